"""Our own JSON API: models side by side, and models by need."""

import re
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from evaluation.api.leaderboards import LimitsQuery, StandingOutput, standing_answer
from evaluation.exceptions import ModelMissing
from evaluation.needs import Need, find
from evaluation.pairings import MAX_MODELS, matrix
from hub.core.api.tables import CsvRenderer, answer
from models_registry.models import Kind, Repository

_NAME = re.compile(r"[^/\x00]{1,42}/[^/\x00]{1,96}")
_CSV = OpenApiResponse(OpenApiTypes.STR, description="The rows as comma-separated values.")
_FORMAT = OpenApiParameter("format", str, enum=["json", "csv"], description="json, or csv for a table.")


class ToldOutput(serializers.Serializer[Any]):
    """A model against the first one; differences are signed so that up is better."""

    verdict = serializers.ChoiceField(choices=["better", "worse", "same", "unclear", "not_comparable"])
    difference = serializers.FloatField()
    interval = serializers.ListField(child=serializers.FloatField(), allow_null=True, min_length=2, max_length=2)
    p = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField(allow_null=True)
    method = serializers.CharField(allow_blank=True)
    paired = serializers.BooleanField(help_text="From the same items; else from the two intervals.")


class ComparedOutput(StandingOutput):
    against_first = ToldOutput(allow_null=True)


class CompareOutput(serializers.Serializer[Any]):
    models = serializers.ListField(child=serializers.CharField())
    items = ComparedOutput(many=True)


class NeedQuery(LimitsQuery):
    """What is needed. `task` may be a common name such as ner, sentiment or embeddings."""

    task = serializers.CharField(max_length=64)
    language = serializers.CharField(required=False, max_length=40, help_text="Such as de: what is measured in it.")
    benchmark = serializers.CharField(required=False, max_length=80, help_text="Which one decides.")
    min_score = serializers.FloatField(
        required=False, min_value=-1e12, max_value=1e12, help_text="At least this good, as the benchmark stores it."
    )
    limit = serializers.IntegerField(min_value=1, max_value=50, default=10)

    def need(self) -> Need:
        wanted = self.validated_data
        return Need(
            task=wanted["task"],
            language=wanted.get("language", ""),
            benchmark=wanted.get("benchmark", ""),
            limits=self.limits(),
            min_score=wanted.get("min_score"),
        )


class CandidateOutput(StandingOutput):
    """A model that fits, the best first. `pin` names the very commit."""

    pin = serializers.CharField()
    reason = serializers.CharField(help_text="Why it has this place.")


class NearestOutput(serializers.Serializer[Any]):
    model = serializers.CharField()
    bytes = serializers.IntegerField()
    first_ms = serializers.FloatField(allow_null=True)
    peak_memory_bytes = serializers.IntegerField(allow_null=True)


class FindOutput(serializers.Serializer[Any]):
    task = serializers.CharField(help_text="Its id, whatever name it was asked by.")
    benchmark = serializers.CharField(allow_null=True, help_text="What decides the ranks.")
    version = serializers.IntegerField(allow_null=True)
    fitting = serializers.IntegerField(help_text="How many models fit, shown or not.")
    measured = serializers.IntegerField(help_text="How many were measured on that benchmark.")
    excluded = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many each limit alone leaves out."
    )
    items = CandidateOutput(many=True)
    nearest = NearestOutput(allow_null=True, help_text="Where nothing fits: what misses the limits by least.")
    message = serializers.CharField(allow_blank=True, help_text="Where nothing fits: why, for people.")


class FindView(APIView):
    """Models by need: a task in a language under limits, ranked, with the reason of each rank."""

    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="models_find",
        parameters=[NeedQuery, _FORMAT],
        responses={(200, "application/json"): FindOutput, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = NeedQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = find(request.user, query.need(), limit=query.validated_data["limit"])
        items = [
            standing_answer(request, row.standing, row.rank, None)
            | {"pin": f"{row.standing.repository.full_name}@{row.standing.commit}", "reason": row.reason}
            for row in found.candidates
        ]
        nearest = found.nearest
        data = {
            "task": found.task,
            "benchmark": found.benchmark.key if found.benchmark else None,
            "version": found.benchmark.version if found.benchmark else None,
            "fitting": found.fitting,
            "measured": found.measured,
            "excluded": found.excluded,
            "items": items,
            "nearest": None
            if nearest is None
            else {
                "model": nearest.repository.full_name,
                "bytes": nearest.size_bytes,
                "first_ms": nearest.first_ms,
                "peak_memory_bytes": nearest.memory_bytes,
            },
            "message": found.message,
        }
        return answer(request, dict(FindOutput(data).data))


class CompareView(APIView):
    """Two to four models on every benchmark that any of them stands on, told against the first one."""

    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="models_compare",
        parameters=[OpenApiParameter("models", str, many=True, required=True, description="ns/name, 2 to 4."), _FORMAT],
        responses={(200, "application/json"): CompareOutput, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request) -> HttpResponseBase:
        chosen = _chosen(request)
        found = matrix(request.user, chosen)
        items = []
        for of_benchmark in found.standings.values():
            for repository in chosen:
                standing = of_benchmark.get(repository.pk)
                if standing is not None:
                    told = found.told.get(standing.pk)
                    items.append(standing_answer(request, standing, None, None) | {"against_first": _told(told)})
        data = {"models": [row.full_name for row in chosen], "items": items}
        return answer(request, dict(CompareOutput(data).data))


def _chosen(request: Request) -> list[Repository]:
    """The models of the question, in its order.

    Raises:
        ValidationError: not two to four names.
        ModelMissing: one of them is not there, or not the caller's to see.
    """
    names = list(dict.fromkeys(name.lower() for name in request.query_params.getlist("models")))
    if not 2 <= len(names) <= MAX_MODELS or not all(map(_NAME.fullmatch, names)):
        raise ValidationError({"models": [f"Give 2 to {MAX_MODELS} different names, such as models=ns/name."]})
    rows = Repository.objects.visible_to(request.user).filter(kind=Kind.MODEL, key__in=names)
    found = {row.key: row for row in rows.select_related("namespace")}
    for name in names:
        if name not in found:
            raise ModelMissing(name=name)
    return [found[name] for name in names]


def _told(told: Any) -> dict[str, Any] | None:
    if told is None:
        return None
    has_interval = told.low is not None and told.high is not None
    return {
        "verdict": told.word,
        "difference": told.difference,
        "interval": [told.low, told.high] if has_interval else None,
        "p": told.p,
        "n": told.n,
        "method": told.method,
        "paired": told.is_paired,
    }
