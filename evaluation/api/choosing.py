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

from evaluation.api.leaderboards import StandingOutput, standing_answer
from evaluation.exceptions import ModelMissing
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
