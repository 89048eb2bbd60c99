"""Our own JSON API: weights as safetensors, asked for by whoever may write."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from evaluation.models import Conversion
from evaluation.services import conversions
from models_registry.finding import repository_at
from models_registry.models import Kind
from models_registry.permissions import Action, require
from models_registry.services.revisions import find_commit

_REVISION = OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")


class ConversionOutput(serializers.ModelSerializer[Conversion]):
    """Where a conversion stands; `pull_request` is the number of what it proposed."""

    commit = serializers.CharField(source="commit.oid")
    evidence = serializers.DictField(read_only=True)

    class Meta:
        model = Conversion
        fields = [
            "commit", "path", "state", "reason", "pull_request", "evidence", "created_at", "started_at", "finished_at",
        ]  # fmt: skip


class ConversionsOutput(serializers.Serializer[Any]):
    conversions = ConversionOutput(many=True)


class ConversionsView(APIView):
    """The import lane of one commit."""

    @extend_schema(operation_id="conversions_list", parameters=[_REVISION], responses=ConversionsOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        """What was asked for of this commit."""
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        rows = find_commit(repository, revision).conversions.select_related("commit")
        return Response(ConversionsOutput({"conversions": rows}).data)

    @extend_schema(operation_id="conversion_request", parameters=[_REVISION], request=None, responses=ConversionOutput)
    def post(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        """Ask for the weights as safetensors, as a pull request. Asked again, the same answer comes."""
        user = acting_user(request)
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        require(user, Action.WRITE, repository)
        commit = find_commit(repository, revision)
        row = conversions.request_conversion(repository=repository, commit=commit, user=user)
        return Response(ConversionOutput(row).data, status=status.HTTP_202_ACCEPTED)
