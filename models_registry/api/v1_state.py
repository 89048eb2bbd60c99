"""Our own JSON API: what a repository takes up, and going back to an old state."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from models_registry.api.lookup import find_repository
from models_registry.api.v1 import PLURAL_OF_V1
from models_registry.services.restore import restore
from models_registry.services.storage_use import storage_use


class NameUseOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["release", "branch", "tag", "pointer", "other"])
    commit = serializers.CharField()
    logical_bytes = serializers.IntegerField(help_text="The files as somebody pulls them.")
    new_bytes = serializers.IntegerField(help_text="Stored bytes that the release before does not have.")
    freed_bytes = serializers.IntegerField(help_text="Stored bytes that no other name reaches.")


class StorageOutput(serializers.Serializer[Any]):
    stored_bytes = serializers.IntegerField()
    logical_bytes = serializers.IntegerField(help_text="Of the default branch's head.")
    loose_bytes = serializers.IntegerField(help_text="In no version; the next clean-up may take them.")
    is_partial = serializers.BooleanField(help_text="The history is too long to be looked at to its end.")
    names = NameUseOutput(many=True)


class RestoreInput(serializers.Serializer[Any]):
    revision = serializers.CharField(max_length=250)
    path = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    branch = serializers.CharField(max_length=250, required=False)
    title = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    expected = serializers.CharField(max_length=40, required=False, help_text="The head that you saw.")


class RestoreOutput(serializers.Serializer[Any]):
    commit = serializers.CharField(source="oid")
    title = serializers.CharField()


class StorageView(APIView):
    """What a repository takes up, by version."""

    @extend_schema(operation_id="storage_read", responses=StorageOutput)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)
        return Response(StorageOutput(asdict(storage_use(repository))).data)


class RestoreView(APIView):
    """Put an old state on top of a branch, as a new commit."""

    @extend_schema(operation_id="restore", request=RestoreInput, responses={201: RestoreOutput})
    def post(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)
        user = acting_user(request)
        given = RestoreInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        made = restore(
            repository=repository,
            user=user,
            branch=wanted.get("branch") or repository.default_branch,
            revision=wanted["revision"],
            path=wanted["path"],
            title=wanted["title"],
            expected_head=wanted.get("expected"),
        )
        return Response(RestoreOutput(made).data, status=status.HTTP_201_CREATED)
