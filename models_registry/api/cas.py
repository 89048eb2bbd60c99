"""The wire: the chunk store (E53 to E61). Callers carry a Xet token; data addresses are signed instead."""

import hashlib
import json
import time
from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from hub.core.bodies import body_stream, declared_length, read_body
from hub.core.exceptions import HubError, NotFound, Unavailable
from hub.core.ranges import Span
from models_registry.api.grants import BadGrant, Grant, Redeemed, redeem
from models_registry.api.lookup import endpoint
from models_registry.api.sending import refuse_held_content, stored_address, stored_response
from models_registry.api.xet_tokens import LIFETIME_S, cas_space, redeem_xet_token
from models_registry.models import RepositoryContent, Xorb
from models_registry.parts import requested_span
from models_registry.permissions import Action, require
from models_registry.services import content as contents
from models_registry.storage.digests import XetHash
from models_registry.storage.exceptions import LengthRequired, RangeNotSatisfiable
from models_registry.storage.shard import MAX_BODY_BYTES as MAX_SHARD_BYTES
from models_registry.storage.shard import is_asked_for
from models_registry.storage.terms import Term

PREFIXES = {"default", "default-merkledb"}  # The specification names one, clients send the other.
DATA_LIFETIME_S = 60
DATA_PURPOSE = "xorb-data"


class NothingHere(NotFound):
    code = "not_found"
    message = "There is nothing here."


class UnknownChunk(NotFound):
    """Said alike of chunks that nobody has, and of those that the caller may not know of."""

    code = "unknown_chunk"
    message = "This chunk is not known."


@csrf_exempt
@require_http_methods(["HEAD", "POST"])
def xorb(request: HttpRequest, space: str, prefix: str, xorb_hash: str) -> HttpResponse:
    """E53. POST takes in a xorb; HEAD says how long one is that was delivered to this repository."""
    caller = redeem_xet_token(request, space, action=Grant.WRITE if request.method == "POST" else Grant.READ)
    _known_prefix(prefix)
    if request.method == "HEAD":
        found = contents.delivered_xorb(repository=caller.repository, xorb_hash=xorb_hash)
        if found is None:
            raise NothingHere
        return HttpResponse(headers={"Content-Length": str(found.stored_bytes)})
    length = declared_length(request)
    if length is None:
        raise LengthRequired
    was_inserted = contents.store_xorb(
        repository=caller.repository, user=caller.member, xorb_hash=xorb_hash, body=body_stream(request), length=length
    )
    return JsonResponse({"was_inserted": was_inserted})


@csrf_exempt
@require_POST
def shard(request: HttpRequest, space: str) -> HttpResponse:
    """E54. Registers the files of a shard."""
    caller = redeem_xet_token(request, space, action=Grant.WRITE)
    body = read_body(request, limit=MAX_SHARD_BYTES)
    result = contents.register_shard(repository=caller.repository, user=caller.member, body=body)
    return JsonResponse({"result": result})


@csrf_exempt
@require_POST
def shard_stream(request: HttpRequest, space: str) -> HttpResponseBase:
    """E55. The same with progress, one JSON object a line, so that the connection lives while a file is hashed."""
    caller = redeem_xet_token(request, space, action=Grant.WRITE)
    body = read_body(request, limit=MAX_SHARD_BYTES)
    steps = contents.registering(repository=caller.repository, user=caller.member, body=body)
    response = StreamingHttpResponse(_told(steps), content_type="application/x-ndjson")
    response["X-Accel-Buffering"] = "no"
    return response


@require_GET
def reconstruction_v1(request: HttpRequest, space: str, file_hash: str) -> HttpResponse:
    """E56. What to fetch for a range of a file, by xorb."""
    caller, found = _reconstruct(request, space, file_hash)
    fetches = {
        digest: [
            {
                "range": {"start": each.first_chunk, "end": each.stop_chunk},
                "url": _data_url(request, caller, found.link, digest, each),
                "url_range": {"start": each.first_byte, "end": each.stop_byte - 1},
            }
            for each in runs
        ]
        for digest, runs in found.fetches.items()
    }
    return JsonResponse(_terms(found) | {"fetch_info": fetches})


@require_GET
def reconstruction_v2(request: HttpRequest, space: str, file_hash: str) -> HttpResponse:
    """E57. The same in the newer spelling; one range an address, for several would ask for multipart answers."""
    caller, found = _reconstruct(request, space, file_hash)
    xorbs = {
        digest: [
            {
                "url": _data_url(request, caller, found.link, digest, each),
                "ranges": [
                    {
                        "chunks": {"start": each.first_chunk, "end": each.stop_chunk},
                        "bytes": {"start": each.first_byte, "end": each.stop_byte - 1},
                    }
                ],
            }
            for each in runs
        ]
        for digest, runs in found.fetches.items()
    }
    return JsonResponse(_terms(found) | {"xorbs": xorbs})


@require_safe
def data(request: HttpRequest, space: str, signed: str) -> HttpResponseBase:
    """E58. Stored bytes of a xorb, of the run that the address was signed for; checked before they are sent."""
    caller = redeem(signed, purpose=DATA_PURPOSE, lifetime_s=DATA_LIFETIME_S)
    if cas_space(caller.repository) != space:
        raise BadGrant
    link_id, xorb_hash, first, stop = caller.grant.subject
    found = Xorb.objects.filter(hash=XetHash(xorb_hash)).first()
    linked = RepositoryContent.objects.filter(pk=link_id, repository=caller.repository).exists()
    if found is None or not linked:
        raise NothingHere
    span = requested_span(request, found.stored_bytes) or Span(first, stop)
    if not first <= span.start < span.stop <= stop:
        raise RangeNotSatisfiable(size_bytes=found.stored_bytes)
    response = stored_response(found, span)
    response.status_code = 206
    response["Content-Range"] = span.content_range(found.stored_bytes)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
def chunk(request: HttpRequest, space: str, prefix: str, chunk_hash: str) -> HttpResponse:
    """E59. What a client may refer to instead of sending it."""
    caller = redeem_xet_token(request, space, action=Grant.READ)
    _known_prefix(prefix)
    answer = contents.dedupe_answer(
        repository=caller.repository,
        user=caller.user,
        chunk_hash=chunk_hash,
        now_s=int(time.time()),
        with_newest=_is_first_question(request, chunk_hash),
    )
    if answer is None:
        raise UnknownChunk
    return HttpResponse(answer, content_type="application/octet-stream")


@csrf_exempt
def no_grants(request: HttpRequest, space: str, rest: str) -> HttpResponse:
    """E60. Direct uploads are not offered. Any answer but 404 would tell the client that the xorb is stored already."""
    raise NothingHere


@csrf_exempt
@require_POST
def telemetry(request: HttpRequest, space: str = "") -> HttpResponse:
    """E61. Clients send it to the root of the host, whatever the address of the store. It is not looked at."""
    return HttpResponse(status=204)


def _is_first_question(request: HttpRequest, chunk_hash: str) -> bool:
    """Is this the first chunk of a file, and the first such question of this upload? Then a hint is worth its bytes."""
    if is_asked_for(XetHash(chunk_hash).to_bytes()):
        return False
    token = hashlib.sha256(request.headers["Authorization"].encode()).hexdigest()
    return cache.add(f"dedupe-hint-{token}", True, timeout=LIFETIME_S)


def _known_prefix(prefix: str) -> None:
    if prefix not in PREFIXES:
        raise NothingHere


def _reconstruct(request: HttpRequest, space: str, file_hash: str) -> tuple[Redeemed, contents.Reconstruction]:
    caller = redeem_xet_token(request, space, action=Grant.READ)
    require(caller.user, Action.DOWNLOAD, caller.repository)  # A token for writing asked for another right.
    link = contents.find_file(repository=caller.repository, file_hash=file_hash)
    refuse_held_content(caller.user, caller.repository, sha256=link.content.sha256)
    span = requested_span(request, link.content.size_bytes)
    found = contents.reconstruct(link, start=span.start if span else 0, stop=span.stop if span else None)
    return caller, found


def _terms(found: contents.Reconstruction) -> dict[str, object]:
    return {"offset_into_first_range": found.skip_bytes, "terms": [_term(term) for term in found.terms]}


def _term(term: Term) -> dict[str, object]:
    return {"hash": term.xorb, "unpacked_length": term.raw_bytes, "range": {"start": term.start, "end": term.stop}}


def _data_url(
    request: HttpRequest, caller: Redeemed, link: RepositoryContent, digest: XetHash, fetch: contents.Fetch
) -> str:
    if settings.SMALLHUB_BLOBS_DIRECT:
        direct = stored_address(digest, fetch, lifetime_s=DATA_LIFETIME_S)
        if direct is not None:
            return direct
    subject = [link.pk, digest, fetch.first_byte, fetch.stop_byte]
    signed = caller.grant.derive(purpose=DATA_PURPOSE, subject=subject).sign()
    return f"{endpoint(request)}/cas/{cas_space(caller.repository)}/v1/data/{signed}"


def _told(steps: Iterator[contents.Progress]) -> Iterator[str]:
    """The lines of a running registration. A failure after the first line can only be told in a line of its own."""
    try:
        for step in steps:
            if step.is_result:
                yield _line(type="result", result=step.result)
            else:
                yield _line(type="validating", verified=step.verified, total=step.total)
    except HubError as error:
        yield _line(type="error", message=str(error), code=error.code, retryable=isinstance(error, Unavailable))


def _line(**values: object) -> str:
    return json.dumps(values) + "\n"
