"""Our own JSON API: benchmarks that a data set declares, and registering them."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation.api.present import benchmark_answer
from evaluation.api.serializers import BenchmarkOutput
from evaluation.models import Benchmark, Declaration
from evaluation.services import declarations
from models_registry.finding import repository_at
from models_registry.models import Kind, Repository
from models_registry.permissions import Action, require
from models_registry.services.revisions import find_commit

_REVISION = OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")


class DeclaredOutput(serializers.Serializer[Any]):
    commit = serializers.CharField(allow_null=True, help_text="The commit whose eval.yaml was read last.")
    refusal = serializers.CharField(allow_blank=True, help_text="Why nothing of it was registered; empty if all was.")
    benchmarks = BenchmarkOutput(many=True)


class DeclaredView(APIView):
    """What a data set's `eval.yaml` declares here. Every push to the default branch reads it anew."""

    @extend_schema(operation_id="declared_benchmarks_read", parameters=[_REVISION], responses=DeclaredOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        repository = repository_at(request._request, Kind.DATASET, namespace, name)
        find_commit(repository, revision)
        return Response(DeclaredOutput(_answer(repository)).data)

    @extend_schema(
        operation_id="declared_benchmarks_register",
        request=None,
        parameters=[_REVISION],
        responses={201: DeclaredOutput},
    )
    def post(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        """Register what the `eval.yaml` of this revision declares; a faulty one is refused by its field."""
        repository = repository_at(request._request, Kind.DATASET, namespace, name)
        require(request.user, Action.WRITE, repository)
        declarations.register_declared(repository=repository, commit=find_commit(repository, revision))
        return Response(DeclaredOutput(_answer(repository)).data, status=status.HTTP_201_CREATED)


def _answer(repository: Repository) -> dict[str, Any]:
    noted = Declaration.objects.filter(repository=repository).first()
    rows = Benchmark.objects.active().filter(repository=repository, is_declared=True)
    return {
        "commit": noted.commit if noted is not None else None,
        "refusal": noted.refusal if noted is not None else "",
        "benchmarks": [benchmark_answer(row) for row in rows.select_related("repository__namespace").order_by("key")],
    }
