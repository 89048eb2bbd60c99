"""The wire: card check, preupload and commit (E31 to E33)."""

import base64
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, body_stream, flag, json_object, parse_object, storable, text_field
from models_registry.api.lookup import find_repository, find_revision, web_url
from models_registry.cards import CardFault, read_card
from models_registry.exceptions import CommitTooLarge, InvalidCard, InvalidPath
from models_registry.manifests import listing_of
from models_registry.modes import UploadRules
from models_registry.paths import CLIENT_FOLDER, path_fault
from models_registry.services.commits import commit as make_commit
from models_registry.services.pull_requests import open_pull_request
from models_registry.services.rights import require_delivery
from models_registry.types import AddFile, AddLarge, CopyFile, DeleteFile, DeleteFolder, Operation

MAX_PREUPLOAD_FILES = 1000
MAX_OPERATIONS = 25_000
MAX_LINE_OVERHEAD = 16 * 1024


@require_http_methods(["POST"])
def validate_yaml(request: HttpRequest) -> HttpResponse:
    """E31. Always a JSON object: the client reads it before it looks at the status."""
    content = text_field(json_object(request), "content", default="")
    try:
        card = read_card(content)
    except CardFault as fault:
        return JsonResponse({"errors": [{"message": f"Invalid front matter. {fault}"}], "warnings": []}, status=400)
    warnings = [] if card.data else [{"message": "empty or missing yaml metadata in repo card"}]
    return JsonResponse({"errors": [], "warnings": warnings})


@require_http_methods(["POST"])
def preupload(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> HttpResponse:
    """E32. Says for each file how it should travel, and which content is at its path now."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    is_new = flag(request.GET.get("create_pr", "false"))
    require_delivery(user=acting_user(request), repository=repository, ref=None if is_new else rev)
    body = json_object(request)
    files = body.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BadBody(reason="“files” must be a list of objects.")
    if len(files) > MAX_PREUPLOAD_FILES:
        raise BadBody(reason=f"At most {MAX_PREUPLOAD_FILES} files at a time.")
    listing = listing_of(commit)
    rules = UploadRules.of(repository, listing, git_ignore=body.get("gitIgnore"))
    return JsonResponse({"files": [_advice(file, rules, listing.files) for file in files], "commitOid": commit.oid})


@require_http_methods(["POST"])
def commit(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> HttpResponse:
    """E33. Newline-delimited JSON, header first, read line by line."""
    repository = find_repository(request, kind, namespace, name)
    user = acting_user(request)
    is_new = flag(request.GET.get("create_pr", "false"))
    require_delivery(user=user, repository=repository, ref=None if is_new else rev)
    lines = _lines(request)
    header = next(lines, None)
    if header is None or header[0] != "header":
        raise BadBody(reason="The first line of a commit must be its header.")
    operations = [_operation(key, value) for key, value in _at_most(lines)]
    _refuse_bad_card(operations)
    title = text_field(header[1], "summary")
    body = text_field(header[1], "description", default="")
    parent = text_field(header[1], "parentCommit", default="") or None
    more: dict[str, str] = {}
    if is_new:
        opened = open_pull_request(
            repository=repository,
            user=user,
            title=title,
            description=body,
            base=rev,
            operations=operations,
            start=parent,
        )
        assert opened.commit is not None
        made = opened.commit
        more = {"pullRequestUrl": f"{web_url(request, repository)}/discussions/{opened.discussion.number}"}
    else:
        made = make_commit(
            repository=repository,
            user=user,
            branch=rev,
            title=title,
            body=body,
            operations=operations,
            expected_head=parent,
        )
    url = f"{web_url(request, repository)}/commit/{made.oid}"
    return JsonResponse({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""} | more)


def _advice(file: dict[str, Any], rules: UploadRules, present: dict[str, Any]) -> dict[str, Any]:
    path = text_field(file, "path")
    # A folder that our client pulled holds its notes; who uploads the folder means the model, not them.
    is_noted = path.startswith(f"{CLIENT_FOLDER}/")
    fault = path_fault(path)
    if fault and not is_noted:  # Said now, before anything is sent that no commit would take.
        raise InvalidPath(path=path[:300], reason=fault)
    size = file.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadBody(reason="“size” must be a whole number.")
    try:
        sample = base64.b64decode(text_field(file, "sample", default=""))[:512]
    except ValueError as error:  # Wrong padding, or letters beyond ASCII.
        raise BadBody(reason="“sample” must be base64.") from error
    entry = present.get(path)
    return {
        "path": path,
        "uploadMode": "lfs" if rules.is_large(path, size=size, sample=sample) else "regular",
        "shouldIgnore": is_noted or rules.is_ignored(path),
        "oid": entry.content_id if entry else None,
    }


def _lines(request: HttpRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    """The `{key, value}` objects of the body. The sum of all lines is bounded before any is kept."""
    limit = settings.SMALLHUB_COMMIT_BYTES
    left = limit * 4 // 3 + MAX_OPERATIONS * MAX_LINE_OVERHEAD // 8  # base64 adds a third, JSON a little.
    stream = body_stream(request)
    while True:
        line = stream.readline(left + 1)
        if not line:
            return
        left -= len(line)
        if left < 0:
            raise CommitTooLarge(limit=limit)
        if not line.strip():
            continue
        item = parse_object(line, what="A line of the commit")
        value = item.get("value")
        if not isinstance(item.get("key"), str) or not isinstance(value, dict):
            raise BadBody(reason="Each line of a commit must hold “key” and “value”.")
        yield item["key"], value


def _at_most(lines: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for count, line in enumerate(lines):
        if count == MAX_OPERATIONS:
            raise BadBody(reason=f"A commit may hold {MAX_OPERATIONS} operations.")
        yield line


def _operation(key: str, value: dict[str, Any]) -> Operation:
    path = text_field(value, "path")
    match key:
        case "file":
            return AddFile(path, _content(value))
        case "lfsFile":
            return AddLarge(path, _sha256(value), _size(value))
        case "copyFile":
            revision = text_field(value, "srcRevision", default="") or None
            return CopyFile(path, text_field(value, "srcPath"), revision)
        case "deletedFile":
            return DeleteFile(path)
        case "deletedFolder":
            return DeleteFolder(path)
    raise BadBody(reason=f"“{storable(key, 'key')[:50]}” is not an operation of a commit.")


def _content(value: dict[str, Any]) -> bytes:
    content = value.get("content")
    if not isinstance(content, str):
        raise BadBody(reason="“content” must be a text.")
    if value.get("encoding") == "utf-8":
        return storable(content, "content").encode()
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise BadBody(reason="“content” must be base64.") from error


def _sha256(value: dict[str, Any]) -> str:
    oid = text_field(value, "oid")
    if (
        value.get("algo", "sha256") != "sha256"
        or len(oid) != 64
        or any(digit not in "0123456789abcdef" for digit in oid)
    ):
        raise BadBody(reason="“oid” must be a SHA-256 in lower-case hex.")
    return oid


def _size(value: dict[str, Any]) -> int | None:
    size = value.get("size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadBody(reason="“size” must be a whole number.")
    return size


def _refuse_bad_card(operations: list[Operation]) -> None:
    """A card that cannot be read is refused with the reason, before it becomes the head's."""
    for operation in operations:
        if isinstance(operation, AddFile) and operation.path == "README.md":
            try:
                read_card(operation.content.decode("utf-8", "replace"))
            except CardFault as fault:
                raise InvalidCard(reason=str(fault)) from fault
