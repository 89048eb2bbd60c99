"""Our own JSON API: two versions side by side, down to single tensors."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from accounts.models import Scope
from accounts.permissions import require_scope
from models_registry.api.compare import MAX_FILES, change_item, find_span
from models_registry.api.lookup import find_repository
from models_registry.api.v1 import PLURAL_OF_V1
from models_registry.diffing import Change, changes
from models_registry.exceptions import EntryNotFound
from models_registry.manifests import listing_of
from models_registry.models import LicenceChange, Repository
from models_registry.permissions import Action, can, require
from models_registry.services.diffs import SHOWN_WEIGHTS
from models_registry.services.licensing import declared
from models_registry.services.licensing.changes import step
from models_registry.services.weights import WeightsChange, request_weights_diff, weights_change

_SPAN = OpenApiParameter("span", str, "path", description="Two revisions, as in `v1.0.0...main`.")


class ChangedFile(serializers.Serializer[Any]):
    path = serializers.CharField()
    oldPath = serializers.CharField(allow_null=True)  # noqa: N815 - the wire's spelling.
    status = serializers.ChoiceField(choices=["added", "removed", "changed", "renamed"])
    size = serializers.IntegerField(allow_null=True)
    oldSize = serializers.IntegerField(allow_null=True)  # noqa: N815
    sha256 = serializers.CharField(allow_null=True)
    oldSha256 = serializers.CharField(allow_null=True)  # noqa: N815
    lfs = serializers.BooleanField()


class WeightsOutput(serializers.Serializer[Any]):
    """How the tensors of one safetensors file changed; `result` is filled once the state is done."""

    path = serializers.CharField()
    state = serializers.ChoiceField(choices=["done", "queued", "running", "failed", "large"])
    reason = serializers.CharField(allow_blank=True)
    percent = serializers.IntegerField()
    result = serializers.DictField(help_text="counts, max_abs, tensors with changed, max_abs, relative, not_finite.")


class LicenceStep(serializers.Serializer[Any]):
    """From one licence to another; "" is none."""

    old = serializers.CharField(allow_blank=True)
    new = serializers.CharField(allow_blank=True)
    way = serializers.ChoiceField(choices=LicenceChange.Way.choices)


class CompareOutput(serializers.Serializer[Any]):
    base = serializers.CharField()
    head = serializers.CharField()
    files = ChangedFile(many=True)
    truncated = serializers.BooleanField()
    licence = LicenceStep(allow_null=True, help_text="Set where the two declare different licences.")
    weights = WeightsOutput(many=True, help_text="Left empty where the caller may not have the files.")


class WeightsInput(serializers.Serializer[Any]):
    path = serializers.CharField(max_length=1000)


class CompareView(APIView):
    """What lies between two revisions."""

    @extend_schema(operation_id="compare_read", parameters=[_SPAN], responses=CompareOutput)
    def get(self, request: Request, plural: str, namespace: str, name: str, span: str) -> Response:
        repository = _repository(request, plural, namespace, name)
        before, after = find_span(repository, span)
        found = changes(listing_of(before), listing_of(after))
        weights = _weights(found)[:SHOWN_WEIGHTS] if can(request.user, Action.DOWNLOAD, repository) else []
        held = set(before.held) | set(after.held)
        answer = {
            "base": before.oid,
            "head": after.oid,
            "files": [change_item(change) for change in found[:MAX_FILES]],
            "truncated": len(found) > MAX_FILES,
            "licence": step(declared.licence_of(repository, before), declared.licence_of(repository, after)),
            "weights": [_compared(repository, change) for change in weights if change.path not in held],
        }
        return Response(CompareOutput(answer).data)

    @extend_schema(
        operation_id="compare_weights", parameters=[_SPAN], request=WeightsInput, responses={202: WeightsOutput}
    )
    def post(self, request: Request, plural: str, namespace: str, name: str, span: str) -> Response:
        """Ask for a comparison of large weights, which a worker makes."""
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        given = WeightsInput(data=request.data)
        given.is_valid(raise_exception=True)
        path = given.validated_data["path"]
        before, after = find_span(repository, span)
        old, new = listing_of(before).files.get(path), listing_of(after).files.get(path)
        if old is None or new is None or not path.endswith(".safetensors") or path in {**before.held, **after.held}:
            raise EntryNotFound(path=path[:300], revision=span[:200])
        require_scope(user, Scope.WRITE)  # It costs a worker's time, so a token that may only read cannot ask for it.
        require(user, Action.DOWNLOAD, repository)
        found = weights_change(repository, path, old, new)
        if found.state in {"large", "queued"}:
            request_weights_diff(repository=repository, user=user, before=old, after=new)
            found = weights_change(repository, path, old, new)
        return Response(WeightsOutput(found).data, status=status.HTTP_202_ACCEPTED)


def _repository(request: Request, plural: str, namespace: str, name: str) -> Repository:
    return find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)


def _weights(found: list[Change]) -> list[Change]:
    return [
        change
        for change in found
        if change.way == "changed" and change.path.endswith(".safetensors") and change.before and change.after
    ]


def _compared(repository: Repository, change: Change) -> WeightsChange:
    assert change.before is not None
    assert change.after is not None
    return weights_change(repository, change.path, change.before, change.after)
