"""Our own JSON API: releases, and pointers with their history."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from hub.core.pagination import keyset_page
from models_registry.api.lookup import find_repository
from models_registry.api.v1 import MAX_PAGE, PAGE, PLURAL_OF_V1
from models_registry.exceptions import PointerNotFound
from models_registry.models import Pointer, PointerMove, Release, ReleaseEvent, Repository
from models_registry.models.releases import MAX_REASON
from models_registry.services import pointers, releases
from models_registry.services.licensing.declared import licences_of
from models_registry.services.revisions import latest_release

_ORDER = ("-precedence", "-created_at", "-id")
_RELEASE = OpenApiParameter("release", str, "path", description="The release's name.")
_POINTER = OpenApiParameter("pointer", str, "path", description="The pointer's name.")


class PageQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=PAGE)
    cursor = serializers.CharField(required=False, max_length=4000)


class ReleaseOutput(serializers.Serializer[Any]):
    """One release. `yanked` is null while it stands."""

    name = serializers.CharField()
    commit = serializers.CharField(source="commit.oid")
    author = serializers.CharField(source="author.username", allow_null=True, default=None)
    notes = serializers.CharField(help_text="Markdown.")
    created_at = serializers.DateTimeField()
    prerelease = serializers.BooleanField(source="is_prerelease")
    gate = serializers.CharField(help_text="Whether it may become latest: passed, waiting or failed.")
    gate_reason = serializers.CharField(help_text="What speaks against it, or why it passed all the same.")
    scan = serializers.CharField(source="commit.scan_verdict")
    licence = serializers.SerializerMethodField(help_text="What its commit declares.")
    yanked = serializers.SerializerMethodField()
    latest = serializers.SerializerMethodField(help_text="Whether `latest` names this one.")

    def get_licence(self, release: Release) -> str:
        known: dict[int, str] = self.context.get("licences") or licences_of([release.commit])
        return known[release.commit_id]

    def get_yanked(self, release: Release) -> dict[str, Any] | None:
        return {"reason": release.yank_reason, "at": release.yanked_at} if release.is_yanked else None

    def get_latest(self, release: Release) -> bool:
        return bool(self.context.get("latest") == release.pk)


class ReleaseEventOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=ReleaseEvent.Kind.choices)
    by = serializers.CharField(source="by.username", allow_null=True, default=None)
    at = serializers.DateTimeField()
    text = serializers.CharField(help_text="The notes from then on, or the reason.")


class ReleaseDetail(ReleaseOutput):
    """With all that happened to it."""

    events = ReleaseEventOutput(many=True)


class ReleaseList(serializers.Serializer[Any]):
    items = ReleaseOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReleaseInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    revision = serializers.CharField(max_length=250, required=False, help_text="Default: the default branch.")
    notes = serializers.CharField(max_length=releases.MAX_NOTES, required=False, allow_blank=True, default="")


class NotesInput(serializers.Serializer[Any]):
    notes = serializers.CharField(max_length=releases.MAX_NOTES, allow_blank=True)


class ReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=MAX_REASON, allow_blank=True, default="")


class PointerOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    commit = serializers.CharField(source="commit.oid", allow_null=True, default=None)
    revision = serializers.CharField(help_text="What it was moved to, in the mover's words.")
    updated_at = serializers.DateTimeField()


class MoveOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    by = serializers.CharField(source="by.username", allow_null=True, default=None)
    at = serializers.DateTimeField()
    old = serializers.CharField(help_text="The commit it left; empty: none.")
    new = serializers.CharField(help_text="The commit it came to; empty: withdrawn.")
    revision = serializers.CharField()
    note = serializers.CharField()


class PointerDetail(PointerOutput):
    """With its hundred latest moves, newest first."""

    moves = MoveOutput(many=True)


class PointerList(serializers.Serializer[Any]):
    items = PointerOutput(many=True)


class MoveInput(serializers.Serializer[Any]):
    """Where to: a revision, or a former move to take it back to."""

    revision = serializers.CharField(max_length=250, required=False)
    back_to = serializers.IntegerField(required=False, min_value=1, max_value=2**62, help_text="The id of a move.")
    expected = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="The commit you saw it at; empty: none."
    )
    note = serializers.CharField(max_length=MAX_REASON, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("revision" in attrs) == ("back_to" in attrs):
            raise serializers.ValidationError("Give either “revision” or “back_to”.")
        return attrs


class ReleasesView(APIView):
    """The releases of a repository: versions by precedence, then free names by age."""

    @extend_schema(operation_id="releases_list", parameters=[PageQuery], responses=ReleaseList)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = _repository(request, plural, namespace, name)
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        found = _shown(repository.releases.all())
        page = keyset_page(found, order=_ORDER, limit=wanted["limit"], cursor=wanted.get("cursor"))
        licences = {"licences": licences_of([row.commit for row in page.rows])}
        items = ReleaseOutput(page.rows, many=True, context=_latest(repository) | licences).data
        return Response({"items": items, "next_cursor": page.next_cursor})

    @extend_schema(operation_id="releases_create", request=ReleaseInput, responses={201: ReleaseDetail})
    def post(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        given = _valid(ReleaseInput, request)
        made = releases.create_release(
            repository=repository,
            user=user,
            name=given["name"],
            revision=given.get("revision"),
            notes=given["notes"],
        )
        return Response(_detail(repository, made), status=status.HTTP_201_CREATED)


class ReleaseView(APIView):
    """One release with all that happened to it."""

    @extend_schema(operation_id="releases_read", parameters=[_RELEASE], responses=ReleaseDetail)
    def get(self, request: Request, plural: str, namespace: str, name: str, release: str) -> Response:
        repository = _repository(request, plural, namespace, name)
        return Response(_detail(repository, releases.find_release(repository, release)))

    @extend_schema(operation_id="releases_update", parameters=[_RELEASE], request=NotesInput, responses=ReleaseDetail)
    def patch(self, request: Request, plural: str, namespace: str, name: str, release: str) -> Response:
        """Correct the notes. Nothing else of a release changes."""
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        found = releases.find_release(repository, release)
        given = _valid(NotesInput, request)
        return Response(_detail(repository, releases.edit_notes(release=found, user=user, notes=given["notes"])))


class ReleaseYankView(APIView):
    """Withdraw a release, or take that back."""

    @extend_schema(operation_id="releases_yank", parameters=[_RELEASE], request=ReasonInput, responses=ReleaseDetail)
    def post(self, request: Request, plural: str, namespace: str, name: str, release: str) -> Response:
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        found = releases.find_release(repository, release)
        given = _valid(ReasonInput, request)
        return Response(_detail(repository, releases.yank(release=found, user=user, reason=given["reason"])))

    @extend_schema(operation_id="releases_unyank", parameters=[_RELEASE], responses=ReleaseDetail)
    def delete(self, request: Request, plural: str, namespace: str, name: str, release: str) -> Response:
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        found = releases.find_release(repository, release)
        return Response(_detail(repository, releases.unyank(release=found, user=user)))


class PointersView(APIView):
    """The pointers of a repository by name; at most a thousand."""

    @extend_schema(operation_id="pointers_list", responses=PointerList)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = _repository(request, plural, namespace, name)
        rows = repository.pointers.select_related("commit")[:1000]
        return Response({"items": PointerOutput(rows, many=True).data})


class PointerView(APIView):
    """One pointer: where it is and where it was."""

    @extend_schema(operation_id="pointers_read", parameters=[_POINTER], responses=PointerDetail)
    def get(self, request: Request, plural: str, namespace: str, name: str, pointer: str) -> Response:
        repository = _repository(request, plural, namespace, name)
        return Response(_pointer(pointers.find_pointer(repository, pointer)))

    @extend_schema(operation_id="pointers_move", parameters=[_POINTER], request=MoveInput, responses=PointerDetail)
    def put(self, request: Request, plural: str, namespace: str, name: str, pointer: str) -> Response:
        """Move it, or make it."""
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        given = _valid(MoveInput, request)
        if "back_to" in given:
            move = PointerMove.objects.filter(pk=given["back_to"], pointer__repository=repository)
            former = move.select_related("pointer").first()
            if former is None:
                raise PointerNotFound(name=pointer[:200])
            moved = pointers.roll_back(repository=repository, user=user, name=pointer, to=former, note=given["note"])
        else:
            moved = pointers.move_pointer(
                repository=repository,
                user=user,
                name=pointer,
                revision=given["revision"],
                expected=given.get("expected"),
                note=given["note"],
            )
        return Response(_pointer(moved))

    @extend_schema(operation_id="pointers_withdraw", parameters=[_POINTER], responses=PointerDetail)
    def delete(self, request: Request, plural: str, namespace: str, name: str, pointer: str) -> Response:
        """Let it name nothing. Its past stays."""
        repository, user = _repository(request, plural, namespace, name), acting_user(request)
        return Response(_pointer(pointers.withdraw_pointer(repository=repository, user=user, name=pointer)))


def _repository(request: Request, plural: str, namespace: str, name: str) -> Repository:
    return find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)


def _shown(rows: "QuerySet[Release]") -> "QuerySet[Release]":
    return rows.select_related("commit", "author")


def _latest(repository: Repository) -> dict[str, Any]:
    latest = latest_release(repository)
    return {"latest": latest.pk if latest else None}


def _detail(repository: Repository, release: Release) -> dict[str, Any]:
    row = _shown(Release.objects.prefetch_related("events__by")).get(pk=release.pk)
    return dict(ReleaseDetail(row, context=_latest(repository)).data)


def _pointer(pointer: Pointer) -> dict[str, Any]:
    moves = MoveOutput(pointer.moves.select_related("by")[:100], many=True).data
    return {**PointerOutput(pointer).data, "moves": moves}


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)
