"""Our own JSON API: comparisons of versions, the gate, and the states of a commit."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from evaluation.exceptions import NotCompared
from evaluation.models import BenchmarkComparison, Comparison, Evaluation, GatePolicy, Summary
from evaluation.services import gates, reading
from evaluation.statuses import statuses_of
from models_registry.finding import repository_at
from models_registry.models import Commit, Kind, Repository
from models_registry.models.releases import MAX_REASON
from models_registry.permissions import Action, require
from models_registry.services.gating import override_gate
from models_registry.services.releases import find_release
from models_registry.services.revisions import find_commit

_SPAN = OpenApiParameter("span", str, "path", description="Two revisions: old..new.")
_REVISION = OpenApiParameter("revision", str, "path", description="Commit, branch, tag, pull request or latest.")


class BenchmarkVerdictOutput(serializers.Serializer[Any]):
    """One benchmark. `difference` and its interval are signed so that up is better, in the metric's own unit."""

    benchmark = serializers.CharField(source="benchmark.key")
    version = serializers.IntegerField(source="benchmark.version")
    verdict = serializers.ChoiceField(choices=BenchmarkComparison.Verdict.choices)
    blocks = serializers.BooleanField()
    gates = serializers.BooleanField()
    differs = serializers.CharField(source="field", help_text="What differs, where they cannot be compared.")
    old = serializers.FloatField(allow_null=True)
    new = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True)
    p_adjusted = serializers.FloatField(allow_null=True)
    margin = serializers.FloatField(allow_null=True)
    smallest = serializers.FloatField(allow_null=True, help_text="The smallest effect that could be seen.")
    log_likelihood = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    method = serializers.CharField()
    n = serializers.IntegerField()
    better = serializers.IntegerField(help_text="Items that were wrong and are right now.")
    worse = serializers.IntegerField()
    flips = serializers.SerializerMethodField(help_text="The first thousands of them, by the items' ids.")
    slices = serializers.SerializerMethodField()

    def get_flips(self, row: BenchmarkComparison) -> list[dict[str, Any]]:
        return [{"item": item, "better": better, "slice": part} for item, better, part in row.flips]

    def get_slices(self, row: BenchmarkComparison) -> list[dict[str, Any]]:
        names = ("slice", "n", "better", "worse")
        return [dict(zip(names, part, strict=True)) for part in row.slices]


class ComparisonOutput(serializers.Serializer[Any]):
    """Two versions. While `state` is waiting, a worker owes the rest."""

    old = serializers.CharField(source="base.commit.oid")
    new = serializers.CharField(source="evaluation.commit.oid")
    state = serializers.SerializerMethodField()
    verdict = serializers.ChoiceField(choices=Summary.choices, source="seen_summary", allow_blank=True)
    fault = serializers.CharField()
    costs = serializers.DictField(
        help_text="Old and new value, for orientation but for bytes; `alternated`: times that were taken by turns."
    )
    benchmarks = BenchmarkVerdictOutput(many=True)

    def get_state(self, row: Comparison) -> str:
        return "settled" if row.is_settled else "waiting"


class PolicyOutput(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=GatePolicy.Mode.choices)
    blocks_merge = serializers.BooleanField(default=False)
    must_be_told = serializers.ListField(
        source="required", child=serializers.CharField(max_length=80), required=False, max_length=100
    )
    margins = serializers.DictField(child=serializers.FloatField(), required=False)


class OverrideInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=MAX_REASON)


class GateOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    gate = serializers.CharField()
    reason = serializers.CharField(source="gate_reason")


class StatusOutput(serializers.Serializer[Any]):
    """One state of a commit, in the words of continuous integration."""

    check = serializers.CharField(source="context", help_text="Such as smallhub/smoke or smallhub/verdict.")
    state = serializers.ChoiceField(choices=["pending", "passed", "failed"])
    description = serializers.CharField()
    target_url = serializers.CharField()


class StatusListOutput(serializers.Serializer[Any]):
    commit = serializers.CharField()
    state = serializers.ChoiceField(choices=["pending", "passed", "failed"], help_text="All of them in one.")
    statuses = StatusOutput(many=True)


class ComparisonView(APIView):
    """What the answers of two versions to the same items say."""

    @extend_schema(operation_id="comparison_read", parameters=[_SPAN], responses=ComparisonOutput)
    def get(self, request: Request, namespace: str, name: str, span: str) -> Response:
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        old, new = _span(repository, span)
        found = reading.comparison_of(old, new, viewer=request.user)
        if found is None:
            raise NotCompared(what="These two were not compared. Ask for it with POST.")
        return Response(ComparisonOutput(found).data)

    @extend_schema(operation_id="comparison_ask", parameters=[_SPAN], request=None, responses={202: ComparisonOutput})
    def post(self, request: Request, namespace: str, name: str, span: str) -> Response:
        """Ask for the comparison of two measured versions; asking twice gives the same one."""
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        user = acting_user(request)
        old, new = _span(repository, span)
        reading.ask(repository=repository, user=user, before=old, after=new)
        found = reading.comparison_of(old, new, viewer=user)
        return Response(ComparisonOutput(found).data, status=status.HTTP_202_ACCEPTED)


class GateView(APIView):
    """The policy of a model's gate."""

    @extend_schema(operation_id="gate_read", responses=PolicyOutput)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        require(request.user, Action.READ, repository)
        return Response(PolicyOutput(gates.policy_seen_by(request.user, repository)).data)

    @extend_schema(operation_id="gate_update", request=PolicyOutput, responses=PolicyOutput)
    def put(self, request: Request, namespace: str, name: str) -> Response:
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        user = acting_user(request)
        require(user, Action.ADMINISTER, repository)
        given = PolicyOutput(data=request.data)
        given.is_valid(raise_exception=True)
        gates.set_policy(repository=repository, user=user, **given.validated_data)
        return Response(PolicyOutput(gates.policy_seen_by(user, repository)).data)


class GateOverrideView(APIView):
    """Let a held release pass all the same."""

    @extend_schema(operation_id="gate_override", request=OverrideInput, responses=GateOutput)
    def post(self, request: Request, namespace: str, name: str, release: str) -> Response:
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        user = acting_user(request)
        require(user, Action.ADMINISTER, repository)
        given = OverrideInput(data=request.data)
        given.is_valid(raise_exception=True)
        found = find_release(repository, release)
        made = override_gate(release=found, user=user, reason=given.validated_data["reason"])
        return Response(GateOutput(made).data)


class StatusesView(APIView):
    """How a commit stands: one state for each step, for the verdict and for the gate of its releases."""

    @extend_schema(operation_id="commit_statuses", parameters=[_REVISION], responses=StatusListOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        commit = find_commit(repository, revision)
        evaluation = Evaluation.objects.with_runs(request.user).filter(commit=commit).first()
        found = statuses_of(repository, commit, evaluation, viewer=request.user)
        states = {row.state for row in found}
        whole = next((state for state in ("failed", "pending", "passed") if state in states), "pending")
        answer = {"commit": commit.oid, "state": whole, "statuses": found}
        return Response(StatusListOutput(answer).data)


def _span(repository: Repository, span: str) -> tuple[Commit, Commit]:
    old, dots, new = span.partition("..")
    if not (old and dots and new):
        raise NotCompared(what="Name two revisions: old..new.")
    return find_commit(repository, old), find_commit(repository, new)
