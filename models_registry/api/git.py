"""The wire: Git over HTTP (E63 to E65). Smart protocol only; the password of Basic is an access token."""

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.authentication import acting_user
from hub.core.bodies import body_stream, decoded_stream
from hub.core.exceptions import Forbidden, HubError, Invalid
from hub.core.wire import refusal
from models_registry.api.lookup import find_repository
from models_registry.git import receive_pack as pushing
from models_registry.git import upload_pack as fetching
from models_registry.git.exceptions import MalformedRequest
from models_registry.git.pktline import FLUSH, line
from models_registry.models import HeldObject, Repository
from models_registry.permissions import Action, can, require
from models_registry.services import pushes
from models_registry.services.heads import held_objects

UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
MAX_FETCH_BYTES = 16 * 2**20  # What a client that has 300,000 commits might say of them.
DRAIN_SECONDS = 20.0

View = Callable[..., HttpResponseBase]


class DumbProtocol(Forbidden):
    code = "dumb_protocol"
    message = "This hub speaks Git's smart protocol only. Use a current Git."


class WrongMediaType(Invalid):
    code = "wrong_media_type"
    message = "The Content-Type must be {expected}."
    wire_status = 415


def speaks_git(view: View) -> View:
    """Refusals as plain text, which git shows as lines of the remote, and how to sign in."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except HubError as error:
            response = refusal(error)
            response.content = f"{error}\n".encode()
            response["Content-Type"] = "text/plain; charset=utf-8"
            if response.status_code == 401:
                response["WWW-Authenticate"] = 'Basic realm="Smallhub", charset="UTF-8"'
        response["Cache-Control"] = "no-cache, max-age=0, must-revalidate"
        return response

    return wrapped


@csrf_exempt
@require_GET
@speaks_git
def info_refs(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponseBase:
    """E63. What there is to fetch, or to push to."""
    service = request.GET.get("service", "")
    repository = _repository(request, kind, namespace, name, service)
    if service not in {UPLOAD, RECEIVE}:
        raise DumbProtocol
    content_type = f"application/x-{service}-advertisement"
    if service == UPLOAD and _version(request) == 2:
        return _stream(fetching.advertise_v2(), content_type)
    greeting = [line(f"# service={service}"), FLUSH]
    refs = fetching.advertise(repository) if service == UPLOAD else pushing.advertise(repository)
    return _stream(chain(greeting, refs), content_type)


@csrf_exempt
@require_POST
@speaks_git
def upload_pack(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponseBase:
    """E64. A fetch: what the client wants and has, then a pack of the difference."""
    repository = _repository(request, kind, namespace, name, UPLOAD)
    _require_type(request, UPLOAD)
    body = decoded_stream(request, limit=MAX_FETCH_BYTES)
    content_type = f"application/x-{UPLOAD}-result"
    answer = fetching.answer_v2 if _version(request) == 2 else fetching.answer
    try:
        pieces = answer(repository, body, held=_held(request, repository))
    except MalformedRequest as error:
        # Git shows a refusal that comes as a packet; of a status other than 200 it shows the number alone.
        return HttpResponse(fetching.error_packet(str(error)), content_type=content_type)
    return _stream(pieces, content_type)


@csrf_exempt
@require_POST
@speaks_git
def receive_pack(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E65. A push: which refs should move where, and a pack of what is new."""
    repository = _repository(request, kind, namespace, name, RECEIVE)
    user = acting_user(request)
    _require_type(request, RECEIVE)
    content_type = f"application/x-{RECEIVE}-result"
    body = decoded_stream(request, limit=settings.SMALLHUB_PUSH_BYTES)
    order = pushing.read_order(body)
    if not order.commands:
        return HttpResponse(content_type=content_type)  # The question, sent before a long body, whether it may come.
    unpacked, refused, lines = "ok", dict[str, str](), list[str]()
    with pushes.quarantine() as pushed:
        try:
            if order.has_pack:
                pushes.take_pack(repository=repository, user=user, pack=body, into=pushed)
            outcome = pushes.receive(
                repository=repository,
                user=user,
                pushed=pushed,
                updates=[pushes.RefUpdate(each.name, each.old, each.new) for each in order.commands],
                is_atomic="atomic" in order.capabilities,
            )
            refused, lines = outcome.refused, outcome.lines
        except HubError as error:
            _drain(request)
            unpacked, lines = str(error), [str(error)]
            refused = {command.name: "unpacker error" for command in order.commands}
    answer = pushing.report(order, unpacked=unpacked, refused=refused, lines=lines)
    return HttpResponse(answer, content_type=content_type)


def _drain(request: HttpRequest) -> None:
    """Read what a client still sends, for a while, so that it gets to hear why its push was refused."""
    stream, ends_at = body_stream(request), time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < ends_at and stream.read(2**20):
        pass


def _repository(request: HttpRequest, kind: str, namespace: str, name: str, service: str) -> Repository:
    """The repository, if the caller may do there what the service is for."""
    repository = find_repository(request, kind, namespace, name)
    if service == RECEIVE:
        pushes.require_push(user=acting_user(request), repository=repository)
    else:
        require(request.user, Action.DOWNLOAD, repository)
    return repository


def _held(request: HttpRequest, repository: Repository) -> Mapping[str, HeldObject]:
    """What the scan holds back from this caller; writers get their own files whatever it says."""
    return {} if can(request.user, Action.WRITE, repository) else held_objects(repository)


def _require_type(request: HttpRequest, service: str) -> None:
    """A type that no form of another site can send, so that a browser's cookie cannot be borrowed.

    Raises:
        WrongMediaType
    """
    expected = f"application/x-{service}-request"
    if request.content_type != expected:
        raise WrongMediaType(expected=expected)


def _version(request: HttpRequest) -> int:
    """The protocol's version that the client asks for; whatever is not understood counts as the oldest."""
    return 2 if "version=2" in request.headers.get("Git-Protocol", "").split(":") else 0


def _stream(pieces: Iterable[bytes], content_type: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(_joined(pieces), content_type=content_type)


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Short packets together, so that a thousand refs are not a thousand writes."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= 32 * 1024:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
