"""Our own JSON API: leaderboards as tables."""

from typing import Any

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from evaluation import boards
from evaluation.api.present import baseline_answer
from evaluation.api.serializers import BaselineOutput
from evaluation.benchmarks.tiers import Tier
from evaluation.models import Benchmark, Standing
from evaluation.querysets_standings import ORDERS, Limits
from evaluation.ranking import Rank
from hub.core.api.tables import CsvRenderer, answer
from models_registry.licences import CLASSES
from models_registry.sizes import SIZES

MOST_ROWS = 200
GROUP_ROWS = 20


class LimitsQuery(serializers.Serializer[Any]):
    """What models must keep to. What was not measured of a model keeps to no limit."""

    max_mb = serializers.FloatField(required=False, min_value=0, max_value=1e9, help_text="Size on disk.")
    max_ms = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=1e12,
        help_text="To the first token or, without tokens, the first answer.",
    )
    max_memory_mb = serializers.FloatField(required=False, min_value=0, max_value=1e9, help_text="Peak of memory.")
    max_parameters = serializers.FloatField(required=False, min_value=0, max_value=1e15)
    licence = serializers.CharField(
        required=False, max_length=200, help_text=f"An id, or one of the classes {', '.join(CLASSES)}."
    )
    size = serializers.ChoiceField(required=False, choices=list(SIZES))
    family = serializers.CharField(required=False, max_length=64, help_text="Transformer, GRU, LSTM, n-gram, ….")

    def limits(self) -> Limits:
        """The same for the queries, in bytes."""
        wanted = self.validated_data
        return Limits(
            max_bytes=_times(wanted.get("max_mb"), 1e6),
            max_ms=wanted.get("max_ms"),
            max_memory_bytes=_times(wanted.get("max_memory_mb"), 1e6),
            max_parameters=wanted.get("max_parameters"),
            licence=wanted.get("licence", ""),
            size=wanted.get("size", ""),
            family=wanted.get("family", ""),
        )


class BoardQuery(LimitsQuery):
    version = serializers.IntegerField(required=False, min_value=1, max_value=10**6, help_text="Of the benchmark.")
    language = serializers.CharField(required=False, max_length=40, help_text="One that the model's card names.")
    min_score = serializers.FloatField(
        required=False,
        min_value=-1e15,
        max_value=1e15,
        help_text="At least this good, in the benchmark's own unit; where lower is better, the highest.",
    )
    sort = serializers.ChoiceField(choices=list(ORDERS), default="score")
    tier = serializers.ChoiceField(
        choices=[str(tier) for tier in Tier],
        default=str(Tier.STANDARD),
        help_text="Models measured on a part of the set stand on boards of their own: quick, or smoke.",
    )
    axis = serializers.ChoiceField(choices=list(boards.AXES), default="size", help_text="What the front is against.")
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=50)
    cursor = serializers.CharField(required=False, max_length=2000)


class GroupQuery(LimitsQuery):
    language = serializers.CharField(required=False, max_length=40, help_text="Of the benchmarks.")
    limit = serializers.IntegerField(min_value=1, max_value=100, default=GROUP_ROWS, help_text="Rows per benchmark.")


class RankOutput(serializers.Serializer[Any]):
    """The places that the interval allows: equal where the model is told apart from all others."""

    best = serializers.IntegerField()
    worst = serializers.IntegerField()


class StandingOutput(serializers.Serializer[Any]):
    """One model on one benchmark."""

    model = serializers.CharField()
    benchmark = serializers.CharField()
    version = serializers.IntegerField()
    rank = RankOutput(allow_null=True)
    value = serializers.FloatField()
    interval = serializers.ListField(child=serializers.FloatField(), allow_null=True, min_length=2, max_length=2)
    n = serializers.IntegerField()
    tier = serializers.ChoiceField(choices=[str(tier) for tier in Tier])
    metric = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    on_front = serializers.BooleanField(allow_null=True)
    bytes = serializers.IntegerField()
    first_ms = serializers.FloatField(allow_null=True)
    peak_memory_bytes = serializers.IntegerField(allow_null=True)
    parameters = serializers.IntegerField(allow_null=True)
    size_class = serializers.CharField()
    family = serializers.CharField(allow_blank=True)
    licence = serializers.CharField(allow_blank=True)
    licence_class = serializers.ChoiceField(choices=list(CLASSES))
    languages = serializers.ListField(child=serializers.CharField())
    task = serializers.CharField(allow_blank=True)
    commit = serializers.CharField()
    release = serializers.CharField(allow_blank=True)
    receipt = serializers.CharField(allow_null=True, help_text="Address of the receipt.")
    measured_at = serializers.DateTimeField()


class BoardOutput(serializers.Serializer[Any]):
    benchmark = serializers.CharField()
    version = serializers.IntegerField()
    active = serializers.BooleanField(help_text="Whether new versions of models are measured with it.")
    title = serializers.CharField()
    task = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    higher_is_better = serializers.BooleanField()
    chance = serializers.FloatField(allow_null=True)
    baseline = BaselineOutput(allow_null=True)
    tier = serializers.ChoiceField(choices=[str(tier) for tier in Tier])
    tiers = serializers.DictField(child=serializers.IntegerField(), help_text="How many models stand on each tier.")
    total = serializers.IntegerField()
    items = StandingOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class BoardSummaryOutput(serializers.Serializer[Any]):
    benchmark = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    task = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    domains = serializers.ListField(child=serializers.CharField())
    models = serializers.IntegerField(help_text="How many were measured on it.")
    front_runner = serializers.CharField(allow_null=True)
    url = serializers.CharField()


class BoardListOutput(serializers.Serializer[Any]):
    items = BoardSummaryOutput(many=True)


class MeanRowOutput(serializers.Serializer[Any]):
    model = serializers.CharField()
    commit = serializers.CharField()
    rank = RankOutput()
    value = serializers.FloatField()
    interval = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)


class MeanOutput(serializers.Serializer[Any]):
    """Means over benchmarks of one protocol, of models that were measured on all of them."""

    benchmarks = serializers.ListField(child=serializers.CharField())
    metric = serializers.CharField(allow_blank=True)
    unit = serializers.CharField(allow_blank=True)
    rows = MeanRowOutput(many=True)


class GroupOutput(serializers.Serializer[Any]):
    """The best of each benchmark of a group. Ranks name the best possible place alone: worst is among these rows."""

    items = StandingOutput(many=True)
    means = MeanOutput(many=True)


_CSV = OpenApiResponse(OpenApiTypes.STR, description="The rows as comma-separated values.")
_FORMAT = OpenApiParameter("format", str, enum=["json", "csv"], description="json, or csv for a table.")


class _Tables(APIView):
    renderer_classes = [JSONRenderer, CsvRenderer]


class BoardListView(_Tables):
    """The boards there are: active benchmarks whose data the caller may see, with how many models stand on each."""

    @extend_schema(
        operation_id="leaderboards_list",
        parameters=[_FORMAT],
        responses={(200, "application/json"): BoardListOutput, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request) -> HttpResponseBase:
        every = boards.benchmarks(request.user)
        items = [
            {
                "benchmark": section.benchmark.key,
                "version": section.benchmark.version,
                "title": section.benchmark.title,
                "task": section.benchmark.task,
                "languages": boards.languages_of(section.benchmark),
                "domains": boards.domains_of(section.benchmark),
                "models": section.total,
                "front_runner": section.rows[0].repository.full_name if section.rows else None,
                "url": _board_url(request, section.benchmark),
            }
            for section in boards.sections(request.user, every, Limits(), rows=1)
        ]
        return answer(request, dict(BoardListOutput({"items": items}).data))


class BoardView(_Tables):
    """One benchmark: models with intervals, the ranks these allow, costs and licences. Follow `next_cursor`."""

    @extend_schema(
        operation_id="leaderboard_read",
        parameters=[BoardQuery, _FORMAT, OpenApiParameter("key", str, "path", description="Name of the benchmark.")],
        responses={(200, "application/json"): BoardOutput, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request, key: str) -> HttpResponseBase:
        query = BoardQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        benchmark = boards.find_benchmark(request.user, key, wanted.get("version"))
        limits = query.limits()
        if wanted.get("language"):
            limits = Limits(**{**vars(limits), "language": wanted["language"]})
        limits = boards.at_least(benchmark, limits, wanted.get("min_score"))
        found = boards.board(
            request.user,
            benchmark,
            limits,
            order=wanted["sort"],
            axis=wanted["axis"],
            tier=Tier(wanted["tier"]),
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
        )
        definition = benchmark.definition
        data = {
            "benchmark": benchmark.key,
            "version": benchmark.version,
            "active": benchmark.is_active,
            "title": benchmark.title,
            "task": benchmark.task,
            "metric": definition.get("main_metric", ""),
            "unit": definition.get("unit") or "",
            "higher_is_better": bool(definition.get("higher_is_better", True)),
            "chance": definition.get("chance"),
            "baseline": baseline_answer(benchmark),
            "tier": wanted["tier"],
            "tiers": {str(tier): count for tier, count in boards.tiers(request.user, benchmark).items()},
            "total": found.total,
            "items": [standing_answer(request, row.standing, row.rank, row.is_on_front) for row in found.rows],
            "next_cursor": found.next_cursor,
        }
        return answer(request, dict(BoardOutput(data).data))


class GroupView(_Tables):
    """The best models of each benchmark of one task, language, class of size or domain."""

    @extend_schema(
        operation_id="leaderboard_group_read",
        parameters=[
            GroupQuery,
            _FORMAT,
            OpenApiParameter("by", str, "path", enum=list(boards.GROUPS)),
            OpenApiParameter("value", str, "path", description="Such as text-classification, de, 1mb-10mb."),
        ],
        responses={(200, "application/json"): GroupOutput, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request, by: str, value: str) -> HttpResponseBase:
        query = GroupQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        choice, group_limits = boards.group_choice(by, value)
        limits = query.limits()
        if group_limits.size:
            limits = Limits(**{**vars(limits), "size": group_limits.size})
        if by != "languages" and wanted.get("language"):
            choice = boards.Choice(choice.task, wanted["language"], choice.domain)
        chosen = boards.benchmarks(request.user, choice)
        found = boards.sections(request.user, chosen, limits, rows=wanted["limit"])
        means = boards.suites(request.user, chosen, limits, rows=wanted["limit"]) if by != "sizes" else []
        items = [
            standing_answer(request, row, rank, None)
            for section in found
            for row, rank in boards.with_ranks(section.rows)
        ]
        return answer(request, dict(GroupOutput({"items": items, "means": [_mean(suite) for suite in means]}).data))


def standing_answer(
    request: Request, standing: Standing, rank: Rank | None, is_on_front: bool | None
) -> dict[str, Any]:
    """One row as every table answers it."""
    receipt = reverse("evaluation_v1:receipt", args=[standing.receipt]) if standing.receipt else None
    has_interval = standing.low is not None and standing.high is not None
    return {
        "model": standing.repository.full_name,
        "benchmark": standing.score.benchmark.key,
        "version": standing.score.benchmark.version,
        "rank": None if rank is None else {"best": rank.best, "worst": rank.worst},
        "value": standing.value,
        "interval": [standing.low, standing.high] if has_interval else None,
        "n": standing.n,
        "tier": standing.tier,
        "metric": standing.score.metric,
        "unit": standing.score.unit,
        "on_front": is_on_front,
        "bytes": standing.size_bytes,
        "first_ms": standing.first_ms,
        "peak_memory_bytes": standing.memory_bytes,
        "parameters": standing.parameters,
        "size_class": standing.size_class,
        "family": standing.family,
        "licence": standing.licence,
        "licence_class": standing.licence_class,
        "languages": standing.language_codes,
        "task": standing.task,
        "commit": standing.commit,
        "release": standing.release,
        "receipt": request.build_absolute_uri(receipt) if receipt else None,
        "measured_at": standing.measured_at,
    }


def _mean(suite: boards.Suite) -> dict[str, Any]:
    definition = suite.benchmarks[0].definition
    return {
        "benchmarks": [row.key for row in suite.benchmarks],
        "metric": definition.get("main_metric", ""),
        "unit": definition.get("unit") or "",
        "rows": [
            {
                "model": standing.repository.full_name,
                "commit": standing.commit,
                "rank": {"best": rank.best, "worst": rank.worst},
                "value": mean.value,
                "interval": [mean.low, mean.high],
            }
            for standing, mean, rank in suite.rows
        ],
    }


def _board_url(request: Request, benchmark: Benchmark) -> str:
    return request.build_absolute_uri(reverse("evaluation_v1:leaderboard", args=[benchmark.key]))


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
