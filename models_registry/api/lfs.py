"""The wire: git-lfs, files whole or in parts (E34 to E36, E66). Addresses for bytes are signed and short-lived."""

import functools
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import User
from hub.core.bodies import BadBody, body_stream, declared_length, json_object, storable, text_field
from hub.core.exceptions import Forbidden, HubError, NotFound
from hub.core.wire import refusal
from models_registry.api.grants import BadGrant, Grant, Redeemed, redeem
from models_registry.api.lookup import find_repository, web_url
from models_registry.api.sending import content_response, refuse_held_content
from models_registry.exceptions import QuarantinedFile, QuotaExceeded
from models_registry.models import Content, PartialUpload, Repository
from models_registry.permissions import Action, can, require
from models_registry.services import content as contents
from models_registry.services import quotas
from models_registry.services.rights import require_delivery
from models_registry.storage.digests import Sha256
from models_registry.storage.exceptions import BadDigest, FileTooLarge, SizeMismatch

MEDIA_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 1000
UPLOAD_LIFETIME_S = 3600
DOWNLOAD_LIFETIME_S = 60
PARTS_LIFETIME_S = 24 * 3600  # A file of many parts takes its time; each address still asks for the right again.
BASIC, MULTIPART = "basic", "multipart"
_UPLOAD, _VERIFY, _DOWNLOAD = "lfs-upload", "lfs-verify", "lfs-download"
_PART, _COMPLETE = "lfs-part", "lfs-complete"

View = Callable[..., HttpResponseBase]


class UnknownOperation(Forbidden):
    code = "unknown_operation"
    message = "The operation must be “upload” or “download”."


class UnknownObject(NotFound):
    code = "unknown_object"
    message = "This repository holds no such object."


class NoLocks(NotFound):
    code = "no_locks"
    message = "Files cannot be locked on this hub."


def speaks_lfs(view: View) -> View:
    """Errors in the words of git-lfs: a `message`, and how to sign in."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except HubError as error:
            response = refusal(error)
            response.content = _dumps({"message": str(error), "error": str(error), "code": error.code})
            response["Content-Type"] = MEDIA_TYPE
            if response.status_code == 401:
                response["LFS-Authenticate"] = response["WWW-Authenticate"] = 'Basic realm="Smallhub"'
            return response

    return wrapped


@csrf_exempt
@require_POST
@speaks_lfs
def batch(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E34. For each object an address to send it to or fetch it from, nothing if it is here, or why not."""
    body = json_object(request)
    operation = body.get("operation")
    if operation not in ("upload", "download"):
        raise UnknownOperation
    repository = find_repository(request, kind, namespace, name)
    if operation == "upload":
        require_delivery(user=acting_user(request), repository=repository, ref=_ref(body))
    else:
        require(request.user, Action.DOWNLOAD, repository)
    if body.get("hash_algo", "sha256") != "sha256":
        raise BadBody(reason="Only sha256 is spoken here.")
    objects = _objects(body)
    transfer = _transfer(request, repository, body, objects)
    answer = _download if operation == "download" else _upload if transfer == BASIC else _upload_in_parts
    found = [_answered(answer, request, repository, each) for each in objects]
    return _json({"transfer": transfer, "objects": found, "hash_algo": "sha256"})


@csrf_exempt
@require_http_methods(["PUT"])
@speaks_lfs
def upload(request: HttpRequest, kind: str, namespace: str, name: str, signed: str) -> HttpResponse:
    """E35. The bytes of one object, to an address from `batch`."""
    caller = redeem(signed, purpose=_UPLOAD, lifetime_s=UPLOAD_LIFETIME_S)
    oid, size = caller.grant.subject
    length = declared_length(request)
    if length is not None and length != size:
        raise SizeMismatch(expected=size, actual=length)
    contents.ingest(
        repository=caller.repository, user=caller.member, stream=body_stream(request), size_bytes=size, sha256=oid
    )
    return HttpResponse(headers={"ETag": f'"{oid}"'})


@csrf_exempt
@require_http_methods(["PUT"])
@speaks_lfs
def upload_part(request: HttpRequest, kind: str, namespace: str, name: str, signed: str) -> HttpResponse:
    """E35. The bytes of one part, to an address from `batch`. The tag of the answer names it at the end."""
    caller = redeem(signed, purpose=_PART, lifetime_s=PARTS_LIFETIME_S)
    upload_id, number = caller.grant.subject
    tag = contents.put_part(upload=_partial(caller, upload_id), number=number, stream=body_stream(request))
    return HttpResponse(headers={"ETag": f'"{tag}"'})


@csrf_exempt
@require_POST
@speaks_lfs
def complete(request: HttpRequest, kind: str, namespace: str, name: str, signed: str) -> HttpResponse:
    """E36. All parts were sent: make the file of them, if it hashes to what was announced."""
    caller = redeem(signed, purpose=_COMPLETE, lifetime_s=PARTS_LIFETIME_S)
    (upload_id,) = caller.grant.subject
    body = json_object(request)
    parts = body.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise BadBody(reason="“parts” must be a list of objects.")
    tags: dict[int, str] = {}
    for part in parts:
        number = part.get("partNumber")
        if not isinstance(number, int):
            raise BadBody(reason="“partNumber” must be a whole number.")
        tags[number] = text_field(part, "etag").strip('"')
    contents.complete_parts(upload=_partial(caller, upload_id), tags=tags)
    return _json({})


@csrf_exempt
@require_POST
@speaks_lfs
def verify(request: HttpRequest, kind: str, namespace: str, name: str, signed: str) -> HttpResponse:
    """E36. Did the object arrive whole?"""
    caller = redeem(signed, purpose=_VERIFY, lifetime_s=UPLOAD_LIFETIME_S)
    oid, size = caller.grant.subject
    body = json_object(request)
    if (body.get("oid"), body.get("size")) != (oid, size):
        raise BadGrant
    _held(caller.repository, Sha256(oid), size)
    return _json({})


@require_safe
@speaks_lfs
def download(request: HttpRequest, kind: str, namespace: str, name: str, signed: str) -> HttpResponseBase:
    """The bytes of one object, from an address of `batch`. One range is understood."""
    caller = redeem(signed, purpose=_DOWNLOAD, lifetime_s=DOWNLOAD_LIFETIME_S)
    oid, size = caller.grant.subject
    response = content_response(request, _held(caller.repository, Sha256(oid), size))
    response["ETag"] = f'"{oid}"'
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@csrf_exempt
@require_http_methods(["GET", "POST"])
@speaks_lfs
def locks(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E66. Nothing is ever locked."""
    require(request.user, Action.READ, find_repository(request, kind, namespace, name))
    if request.method == "POST":
        raise NoLocks
    return _json({"locks": []})


@csrf_exempt
@require_POST
@speaks_lfs
def verify_locks(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E66. Asked before each push; an empty list lets it go on in silence."""
    require(request.user, Action.READ, find_repository(request, kind, namespace, name))
    return _json({"ours": [], "theirs": []})


Answer = Callable[[HttpRequest, Repository, Sha256, int], dict[str, Any]]


def _answered(answer: Answer, request: HttpRequest, repository: Repository, each: dict[str, Any]) -> dict[str, Any]:
    """What is said of one object. A refusal is its own and leaves the others alone."""
    oid, size = each.get("oid"), each.get("size")
    shown = {"oid": str(oid)[:100], "size": size if isinstance(size, int) else 0}
    try:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise BadBody(reason="“size” must be a whole number.")
        digest = Sha256(text_field(each, "oid"))
        return shown | {"authenticated": True} | answer(request, repository, digest, size)
    except (BadDigest, BadBody, FileTooLarge, SizeMismatch) as error:
        return shown | {"error": {"code": 422, "message": str(error)}}
    except QuotaExceeded as error:
        return shown | {"error": {"code": 413, "message": str(error)}}
    except QuarantinedFile as error:
        return shown | {"error": {"code": 403, "message": str(error)}}
    except NotFound as error:
        return shown | {"error": {"code": 404, "message": str(error)}}


def _upload(request: HttpRequest, repository: Repository, oid: Sha256, size: int) -> dict[str, Any]:
    contents.check_size(size)
    found = contents.find_readable(repository=repository, user=request.user, sha256=oid)
    if found is not None:
        if found.size_bytes != size:
            raise SizeMismatch(expected=size, actual=found.size_bytes)
        if can(request.user, Action.WRITE, repository):  # Who may only propose links by her commit.
            contents.link(repository=repository, content=found)
        return {}
    user = request.user if isinstance(request.user, User) else None
    quotas.reserve(repository=repository, user=user, key=oid, size_bytes=size, lifetime_s=UPLOAD_LIFETIME_S)
    return {
        "actions": {
            "upload": _action(request, repository, _UPLOAD, oid, size, UPLOAD_LIFETIME_S),
            "verify": _action(request, repository, _VERIFY, oid, size, UPLOAD_LIFETIME_S),
        }
    }


def _transfer(request: HttpRequest, repository: Repository, body: dict[str, Any], objects: list[dict[str, Any]]) -> str:
    """How the objects should travel: in parts where the client knows how and one of them is large.

    Who may only propose sends whole files, whose bytes are counted as they come.
    """
    offered = body.get("transfers")
    if body.get("operation") != "upload" or not isinstance(offered, list) or MULTIPART not in offered:
        return BASIC
    sizes = [each.get("size") for each in objects]
    is_large = any(isinstance(size, int) and contents.needs_parts(size) for size in sizes)
    return MULTIPART if is_large and can(request.user, Action.WRITE, repository) else BASIC


def _upload_in_parts(request: HttpRequest, repository: Repository, oid: Sha256, size: int) -> dict[str, Any]:
    answer = _upload(request, repository, oid, size)
    if not answer:
        return answer
    upload = contents.begin_parts(repository=repository, user=acting_user(request), sha256=oid, size_bytes=size)
    header = {"chunk_size": str(upload.part_bytes)}
    for number in range(1, len(contents.part_sizes(upload)) + 1):
        # In the order of letters as well: the client's agent for git-lfs takes them as they come.
        header[f"{number:05d}"] = _signed(request, repository, _PART, [upload.pk, number])
    answer["actions"]["upload"] |= {
        "href": _signed(request, repository, _COMPLETE, [upload.pk]),
        "header": header,
        **_expiry(PARTS_LIFETIME_S),
    }
    return answer


def _partial(caller: Redeemed, upload_id: int) -> PartialUpload:
    """An upload in parts that goes on.

    Raises:
        UnknownObject: it is complete, or was given up.
    """
    found = PartialUpload.objects.filter(pk=upload_id, repository=caller.repository, user=caller.member).first()
    if found is None:
        raise UnknownObject
    found.repository, found.user = caller.repository, caller.member  # With what this very token may do.
    return found


def _download(request: HttpRequest, repository: Repository, oid: Sha256, size: int) -> dict[str, Any]:
    _held(repository, oid, size)
    refuse_held_content(request.user, repository, sha256=oid)
    return {"actions": {"download": _action(request, repository, _DOWNLOAD, oid, size, DOWNLOAD_LIFETIME_S)}}


def _action(
    request: HttpRequest, repository: Repository, purpose: str, oid: Sha256, size: int, lifetime_s: int
) -> dict[str, Any]:
    return {"href": _signed(request, repository, purpose, [oid, size]), **_expiry(lifetime_s)}


def _signed(request: HttpRequest, repository: Repository, purpose: str, subject: list[Any]) -> str:
    """An address that opens itself, for this purpose alone."""
    if purpose == _DOWNLOAD:
        grant = Grant.ask(request, repository, purpose=purpose, action=Grant.READ, subject=subject)
    else:
        grant = Grant.ask_to_deliver(request, repository, purpose=purpose, subject=subject)
    return f"{web_url(request, repository)}.git/info/lfs/{purpose.removeprefix('lfs-')}/{grant.sign()}"


def _expiry(lifetime_s: int) -> dict[str, Any]:
    expires_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lifetime_s))
    return {"expires_at": expires_at, "expires_in": lifetime_s}


def _held(repository: Repository, oid: Sha256, size: int) -> Content:
    """Content that this repository holds.

    Raises:
        UnknownObject: it does not, or it has another size.
    """
    found = Content.objects.filter(sha256=oid, size_bytes=size, links__repository=repository).first()
    if found is None:
        raise UnknownObject
    return found


def _ref(body: dict[str, Any]) -> str | None:
    """Where the objects are to go. The public client leaves it out for a pull request that it is about to open."""
    ref = body.get("ref")
    name = ref.get("name") if isinstance(ref, dict) else None
    return storable(name, "ref")[:250] if isinstance(name, str) else None


def _objects(body: dict[str, Any]) -> list[dict[str, Any]]:
    objects = body.get("objects")
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise BadBody(reason="“objects” must be a list of objects.")
    if len(objects) > MAX_OBJECTS:
        raise BadBody(reason=f"At most {MAX_OBJECTS} objects at a time.")
    return objects


def _json(value: dict[str, Any]) -> HttpResponse:
    return HttpResponse(_dumps(value), content_type=MEDIA_TYPE)


def _dumps(value: dict[str, Any]) -> bytes:
    return JsonResponse(value).content
