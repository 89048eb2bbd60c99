"""Our own JSON API: cancelling an evaluation, and asking for a step again."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from accounts.models import User
from evaluation.api.present import evaluation_answer
from evaluation.api.receipts import receipt_url
from evaluation.api.serializers import STEPS, EvaluationOutput
from evaluation.exceptions import NoSuchRun, NotMeasured
from evaluation.models import Evaluation, Run, Step
from evaluation.services import rerun
from evaluation.services.runs import cancel
from models_registry.finding import repository_at
from models_registry.models import Kind
from models_registry.permissions import Action, require
from models_registry.services.revisions import find_commit

_REVISION = OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")


class RunInput(serializers.Serializer[Any]):
    """Which run of an evaluation."""

    step = serializers.ChoiceField(choices=STEPS)
    benchmark = serializers.CharField(required=False, max_length=80, help_text="Which one, for the step `benchmark`.")


class CancelInput(RunInput):
    """Which run; all that are open without a step."""

    step = serializers.ChoiceField(choices=STEPS, required=False)


class CancelView(APIView):
    """End what is open of an evaluation, or one step. A model at work is stopped; scores that are there stay."""

    @extend_schema(
        operation_id="evaluation_cancel", parameters=[_REVISION], request=CancelInput, responses=EvaluationOutput
    )
    def post(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        user, evaluation = acting_user(request), _found(request, namespace, name, revision)
        wanted = CancelInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        run = _run(user, evaluation, wanted.validated_data) if "step" in wanted.validated_data else None
        cancel(evaluation=evaluation, user=user, run=run)
        return _answer(request, evaluation)


class RerunView(APIView):
    """Ask for a step again that has ended. What never ran because of it is asked for as well."""

    @extend_schema(
        operation_id="evaluation_rerun", parameters=[_REVISION], request=RunInput, responses=EvaluationOutput
    )
    def post(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        user, evaluation = acting_user(request), _found(request, namespace, name, revision)
        wanted = RunInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        rerun(run=_run(user, evaluation, wanted.validated_data), user=user)
        return _answer(request, evaluation)


def _found(request: Request, namespace: str, name: str, revision: str) -> Evaluation:
    """The evaluation of a commit, for somebody who may write to the model."""
    repository = repository_at(request._request, Kind.MODEL, namespace, name)
    require(request.user, Action.WRITE, repository)
    commit = find_commit(repository, revision)
    found = Evaluation.everything.select_related("repository__namespace").filter(commit=commit).first()
    if found is None:
        raise NotMeasured(commit=commit.oid, repository=repository.full_name)
    return found


def _run(user: User, evaluation: Evaluation, wanted: dict[str, Any]) -> Run:
    which = {"step": wanted["step"]}
    if wanted["step"] == Step.BENCHMARK:
        which["benchmark__key"] = wanted.get("benchmark", "")
    run: Run | None = Run.objects.shown_to(user).filter(evaluation=evaluation, **which).order_by("-position").first()
    if run is None:
        raise NoSuchRun(step=wanted["step"], benchmark=wanted.get("benchmark", ""))
    return run


def _answer(request: Request, evaluation: Evaluation) -> Response:
    found = Evaluation.everything.with_runs(request.user).get(pk=evaluation.pk)
    answer = evaluation_answer(found, receipt_url=lambda sha256: receipt_url(request, sha256))
    return Response(EvaluationOutput(answer).data, status=status.HTTP_202_ACCEPTED)
