"""Our own JSON API: results in the forms of other hubs, and what authors claim."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation import exchange
from evaluation.models import Claim, Evaluation
from evaluation.services.exchange import measured_of
from models_registry.finding import repository_at
from models_registry.models import Commit, Kind, Repository
from models_registry.services.revisions import find_commit

_REVISION = OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")


class FilesOutput(serializers.Serializer[Any]):
    commit = serializers.CharField()
    files = serializers.DictField(
        child=serializers.CharField(), help_text="Text by path; empty while nothing is scored."
    )


class ClaimOutput(serializers.ModelSerializer[Claim]):
    """One number that somebody typed in."""

    origin = serializers.SerializerMethodField(help_text="Always `imported`: nobody measured it here.")
    verified = serializers.SerializerMethodField(help_text="Always false.")

    class Meta:
        model = Claim
        fields = [
            "origin", "verified", "source", "task", "dataset", "dataset_name", "config", "split", "revision", "metric",
            "value", "text", "scale", "said_by", "url", "notes", "args",
        ]  # fmt: skip

    def get_origin(self, claim: Claim) -> str:
        return "imported"

    def get_verified(self, claim: Claim) -> bool:
        return False


class ClaimsOutput(serializers.Serializer[Any]):
    commit = serializers.CharField()
    claims = ClaimOutput(many=True)


class ModelIndexView(APIView):
    """The scores of a commit as `model-index`, ready for the front matter of a card."""

    @extend_schema(
        operation_id="model_index_read",
        parameters=[_REVISION],
        responses={(200, "application/yaml"): OpenApiResponse(OpenApiTypes.STR, description="YAML.")},
    )
    def get(self, request: Request, namespace: str, name: str, revision: str) -> HttpResponse:
        repository, commit = _found(request, namespace, name, revision)
        index = exchange.model_index(repository.name, _scores(commit))
        return HttpResponse(exchange.dump({"model-index": index}), content_type="application/yaml; charset=utf-8")


class EvalResultsView(APIView):
    """The scores of a commit as files of `.eval_results`."""

    @extend_schema(operation_id="eval_results_read", parameters=[_REVISION], responses=FilesOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        _, commit = _found(request, namespace, name, revision)
        answer = {"commit": commit.oid, "files": exchange.eval_results(_scores(commit))}
        return Response(FilesOutput(answer).data)


class ClaimsView(APIView):
    """What the author of a commit claims, with its scale where one is said or seen. None of it was measured here."""

    @extend_schema(operation_id="claims_read", parameters=[_REVISION], responses=ClaimsOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        _, commit = _found(request, namespace, name, revision)
        claims = Claim.objects.filter(commit=commit)
        return Response(ClaimsOutput({"commit": commit.oid, "claims": claims}).data)


def _found(request: Request, namespace: str, name: str, revision: str) -> tuple[Repository, Commit]:
    repository = repository_at(request._request, Kind.MODEL, namespace, name)
    return repository, find_commit(repository, revision)


def _scores(commit: Commit) -> list[exchange.Measured]:
    evaluation = Evaluation.objects.with_runs(None).filter(commit=commit).first()  # Made to be read by anybody.
    return measured_of(evaluation) if evaluation is not None else []
