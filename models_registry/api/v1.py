"""Our own JSON API: the catalogue, and the manifest that our client pulls by."""

from typing import Any
from urllib.parse import quote

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.core.pagination import keyset_page
from models_registry import downloads
from models_registry.allowances import require_pull
from models_registry.api.lookup import KINDS, PREFIX, endpoint, find_repository, find_revision
from models_registry.api.yanks import release_of, warn
from models_registry.licences import CLASSES
from models_registry.licences.choices import terms_of
from models_registry.manifests import listing_of
from models_registry.models import Kind, Release, Repository
from models_registry.permissions import Action, can, require
from models_registry.services.licensing.declared import licence_of
from models_registry.types import Entry

PLURAL_OF_V1 = {"models": "models", "datasets": "datasets", "apps": "spaces"}
ORDERS = {
    "updated": ("-updated_at", "-id"),
    "downloads": ("-downloads", "-id"),
    "likes": ("-likes", "-id"),
    "created": ("-created_at", "-id"),
    "size": ("size_bytes", "id"),
}
PAGE = 30
MAX_PAGE = 200


class ListQuery(serializers.Serializer[Any]):
    """What a list can be asked for."""

    q = serializers.CharField(required=False, max_length=200, help_text="Words of the name or the summary.")
    owner = serializers.CharField(required=False, max_length=100)
    task = serializers.CharField(required=False, max_length=64)
    licence = serializers.CharField(
        required=False, max_length=200, help_text="An id such as mit, or a class: permissive, copyleft, …"
    )
    language = serializers.CharField(required=False, max_length=20)
    tag = serializers.CharField(required=False, max_length=200)
    sort = serializers.ChoiceField(choices=sorted(ORDERS), default="updated")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=PAGE)
    cursor = serializers.CharField(required=False, max_length=2000)


class RepositoryOutput(serializers.Serializer[Any]):
    """One repository as lists show it."""

    repository = serializers.CharField(source="full_name")
    kind = serializers.CharField()
    private = serializers.BooleanField(source="is_private")
    draft = serializers.BooleanField(
        source="is_public_draft", help_text="No licence is declared: in no list of others."
    )
    summary = serializers.CharField()
    task = serializers.CharField()
    library = serializers.CharField()
    licence = serializers.CharField()
    licence_class = serializers.ChoiceField(choices=list(CLASSES))
    tags = serializers.ListField(child=serializers.CharField())
    parameters = serializers.IntegerField(allow_null=True)
    size_bytes = serializers.IntegerField()
    file_count = serializers.IntegerField()
    downloads = serializers.IntegerField()
    likes = serializers.IntegerField()
    commit = serializers.CharField(source="head")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ListOutput(serializers.Serializer[Any]):
    items = RepositoryOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class FileOutput(serializers.Serializer[Any]):
    """One file of a manifest. `sha256` is of the content, for every file."""

    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()
    oid = serializers.CharField(help_text="Git's id of the blob.")
    url = serializers.CharField(help_text="Answers ranges.")
    held = serializers.CharField(allow_null=True, help_text="Why the scan holds this file back.")


class VerdictOutput(serializers.Serializer[Any]):
    scan = serializers.CharField()
    state = serializers.ChoiceField(choices=["pending", "done"])


class ReleaseNamed(serializers.Serializer[Any]):
    name = serializers.CharField()
    notes = serializers.CharField(allow_blank=True, help_text="Markdown.")
    created_at = serializers.DateTimeField()


class Yanked(serializers.Serializer[Any]):
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class ManifestOutput(serializers.Serializer[Any]):
    repository = serializers.CharField()
    kind = serializers.CharField()
    revision = serializers.CharField()
    commit = serializers.CharField()
    created_at = serializers.DateTimeField()
    licence = serializers.CharField(allow_blank=True, help_text="What this very commit declares.")
    licence_class = serializers.ChoiceField(choices=list(CLASSES))
    licence_choices = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="Any one of these may be taken; each names the licences that hold together, with their classes.",
    )
    draft = serializers.BooleanField(help_text="No licence is declared, so it is in no list of others.")
    total_bytes = serializers.IntegerField()
    quarantined = serializers.BooleanField()
    verdict = VerdictOutput()
    release = ReleaseNamed(allow_null=True, help_text="The release that this commit is, if it is one.")
    yanked = Yanked(allow_null=True, help_text="Set where that release was withdrawn.")
    files = FileOutput(many=True)


class RepositoryListView(APIView):
    """Models, data sets or apps that the caller may see, newest change first unless asked otherwise."""

    @extend_schema(operation_id="repositories_list", parameters=[ListQuery], responses=ListOutput)
    def get(self, request: Request, plural: str) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        kind = KINDS[PLURAL_OF_V1[plural]]
        found = Repository.objects.listed_to(request.user).filter(kind=kind).select_related("namespace")
        if wanted.get("q"):
            found = found.search(wanted["q"])
        if wanted.get("owner"):
            found = found.filter(namespace__key=wanted["owner"].lower())
        if wanted.get("task"):
            found = found.filter(task=wanted["task"])
        if wanted.get("licence"):
            found = found.under_licence(wanted["licence"])
        for name, prefix in (("language", "language:"), ("tag", "")):
            if wanted.get(name):
                found = found.tagged(prefix + wanted[name])
        page = keyset_page(found, order=ORDERS[wanted["sort"]], limit=wanted["limit"], cursor=wanted.get("cursor"))
        return Response({"items": RepositoryOutput(page.rows, many=True).data, "next_cursor": page.next_cursor})


class RepositoryView(APIView):
    """One repository."""

    @extend_schema(operation_id="repositories_read", responses=RepositoryOutput)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)
        return Response(RepositoryOutput(repository).data)


class ManifestView(APIView):
    """All that a pull needs, in one answer: files, sizes, hashes, addresses, licence, verdict."""

    @extend_schema(
        operation_id="manifest_read",
        parameters=[OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")],
        responses=ManifestOutput,
    )
    def get(self, request: Request, plural: str, namespace: str, name: str, revision: str) -> Response:
        repository, commit = find_revision(request._request, PLURAL_OF_V1[plural], namespace, name, revision)
        require(request.user, Action.DOWNLOAD, repository)
        declared = licence_of(repository, commit)
        require_pull(request.user, repository, declared)
        listing = listing_of(commit)
        downloads.count(repository)
        # Writers have their own files at once; the scan's word they get like everybody else.
        is_early = commit.scan_verdict == "pending" and can(request.user, Action.WRITE, repository)
        held = {} if is_early else commit.held
        release = release_of(repository, commit, revision)
        base = (
            f"{endpoint(request._request)}/{PREFIX[Kind(repository.kind)]}{repository.full_name}/resolve/{commit.oid}/"
        )
        response = Response(
            {
                "repository": repository.full_name,
                "kind": repository.kind,
                "revision": revision,
                "commit": commit.oid,
                "created_at": commit.committed_at.isoformat().replace("+00:00", "Z"),
                "draft": repository.is_public_draft,
                **terms_of(declared),
                "total_bytes": listing.total_bytes,
                "quarantined": commit.scan_verdict == "quarantined",
                "verdict": {
                    "scan": commit.scan_verdict,
                    "state": "pending" if commit.scan_verdict == "pending" else "done",
                },
                "release": _release(release) if release else None,
                "yanked": {"reason": release.yank_reason, "at": release.yanked_at}
                if release and release.is_yanked
                else None,
                "files": [_file(entry, held, base) for entry in listing.files.values()],
            }
        )
        warn(request._request, response, repository, commit, revision)
        return response


def _release(release: Release) -> dict[str, Any]:
    return {"name": release.name, "notes": release.notes, "created_at": release.created_at}


def _file(entry: Entry, held_paths: dict[str, str], base: str) -> dict[str, Any]:
    held = held_paths.get(entry.path)
    return {
        "path": entry.path,
        "size": entry.size,
        "sha256": entry.sha256,
        "oid": entry.oid,
        "url": base + quote(entry.path) + ("?quarantined=true" if held else ""),
        "held": held,
    }
