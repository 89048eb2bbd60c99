"""A hub behind this one: what is asked for and not here is passed on from there, and copied for the next time.

Only what anybody may read there is touched, no header of the caller that says who she is goes out, and a copy is an
import like any other: every object and every byte is hashed here before it is shown.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from celery.exceptions import CeleryError
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import KombuError

from accounts.models import Membership, Namespace
from hub.core.exceptions import HubError
from hub.core.names import namespace_fault, repository_fault
from models_registry import tasks
from models_registry.models import FormerName, Kind, Repository, RepositoryImport
from models_registry.services.imports.exceptions import OriginUnreachable
from models_registry.services.imports.mirrors import KEEPER, begin_import, keeper_of_mirrors, namespace_for_mirrors

logger = logging.getLogger(__name__)

_KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET, "spaces": Kind.APP}
_NAME = r"(?P<namespace>[A-Za-z0-9._-]{1,100})/(?P<name>[A-Za-z0-9._-]{1,100})"
_API = re.compile(
    rf"/api/(?P<kind>models|datasets|spaces)/{_NAME}(?:/(?:revision|tree|paths-info|refs|commits)(?:/.*)?)?"
)
_FILE = re.compile(rf"/(?:(?P<kind>datasets|spaces)/)?{_NAME}/resolve/.+")
_PASSED_ON = ("Accept", "Content-Type", "If-None-Match", "Range", "User-Agent")
_PASSED_BACK = ("Accept-Ranges", "Content-Disposition", "Content-Range", "Content-Type", "ETag", "X-Repo-Commit")
_ERRORS_BACK = ("X-Error-Code", "X-Error-Message")
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_MAX_JSON_BYTES = 64 * 2**20
_MAX_BODY_BYTES = 2**20
_KNOWN_S = 60
_ASKED_S = 600
_STEP_BYTES = 1 << 18


@dataclass(frozen=True)
class Asked:
    """A question that may be passed on."""

    kind: Kind
    namespace: str
    name: str
    is_file: bool

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}".lower()


@dataclass
class Answer:
    """What came back. `body` is bytes, or a stream that ends its connection when it is read or closed."""

    status: int
    headers: dict[str, str]
    body: bytes | Iterator[bytes]


def asked(method: str, path: str) -> Asked | None:
    """What a request is for, if it is one that is passed on: reading a repository's facts, lists and files."""
    match = _API.fullmatch(path)
    if match is None or method not in (("GET", "HEAD", "POST") if "/paths-info/" in path else ("GET", "HEAD")):
        match = _FILE.fullmatch(path) if method in ("GET", "HEAD") else None
    if match is None:
        return None
    if ".." in path.split("/"):
        return None
    found = Asked(_KINDS[match["kind"] or "models"], match["namespace"], match["name"], match.re is _FILE)
    return None if namespace_fault(found.namespace) or repository_fault(found.name) else found


def is_unknown_here(question: Asked) -> bool:
    """Has this hub no such repository, hidden or gone or not, but for a copy that is still being made?

    A name that people of this hub hold, or held, never leads to what somebody else calls so elsewhere.
    """
    holder = Namespace.objects.filter(key=question.namespace.lower()).first()
    if (
        holder is not None
        and not Membership.objects.filter(organisation=holder.organisation_id, user__username=KEEPER).exists()
    ):
        return False
    if FormerName.objects.filter(kind=question.kind, key=question.key).exists():
        return False
    rows = Repository.objects.filter(kind=question.kind, key=question.key)
    unfinished = RepositoryImport.objects.filter(finished_at__isnull=True, user__username=KEEPER)
    return not rows.exclude(imported_from__in=unfinished).exists()


def pass_on(
    question: Asked, *, method: str, target: str, headers: dict[str, str], body: bytes, here: str
) -> Answer | None:
    """Ask the upstream and have the repository copied; None if there is nothing for everybody to read there.

    Args:
        target: the raw request target, with its query.
        here: our own address, which takes the place of the upstream's in links.

    Raises:
        OriginUnreachable
    """
    if not _is_public_there(question):
        return None
    sent = {name: headers[name] for name in _PASSED_ON if name in headers} | {"Accept-Encoding": "identity"}
    answer = _file(method, target, sent) if question.is_file else _facts(method, target, sent, body, here)
    if answer.status < 300:
        _ask_for_copy(question)
    return answer


def _is_public_there(question: Asked) -> bool:
    """Does the upstream show this repository to anybody, ungated? Remembered for a minute either way."""
    key = f"upstream-{question.kind}-{question.key}"
    known: bool | None = cache.get(key)
    if known is None:
        plural = next(plural for plural, kind in _KINDS.items() if kind == question.kind)
        answer = _ask("GET", f"/api/{plural}/{question.namespace}/{question.name}", {})
        try:
            facts = answer.json() if answer.status_code == httpx.codes.OK else {}
        except ValueError:
            facts = {}
        known = isinstance(facts, dict) and facts.get("private") is False and not facts.get("gated")
        cache.set(key, known, _KNOWN_S)
    return known


def _ask_for_copy(question: Asked) -> None:
    """Begin a mirror and have a worker fill it; asked once in ten minutes."""
    if not cache.add(f"upstream-copy-{question.kind}-{question.key}", 1, timeout=_ASKED_S):
        return
    keeper = keeper_of_mirrors()
    if namespace_for_mirrors(name=question.namespace, keeper=keeper) is None:
        return
    try:
        record = begin_import(
            user=keeper,
            namespace=question.namespace,
            name=question.name,
            kind=question.kind,
            origin=f"{question.namespace}/{question.name}",
            hub=settings.SMALLHUB_UPSTREAM,
            every_s=settings.SMALLHUB_UPSTREAM_SECONDS,
        )
        tasks.refresh_mirror.delay(record.pk)
    except HubError as error:
        logger.warning("%s is not copied from upstream: %s", question.key, error)
    except (OSError, KombuError, CeleryError):
        logger.warning("%s is copied when the sweep comes round: the queue does not answer.", question.key)


def _facts(method: str, target: str, headers: dict[str, str], body: bytes, here: str) -> Answer:
    """JSON from there, without what leads past this hub: links to the upstream, and chunk hashes."""
    answer = _ask(method, target, headers, body)
    kept = {name: answer.headers[name] for name in (*_PASSED_BACK, *_ERRORS_BACK) if name in answer.headers}
    kept.pop("ETag", None)
    if "Link" in answer.headers:
        kept["Link"] = answer.headers["Link"].replace(settings.SMALLHUB_UPSTREAM, here)
    try:
        content = httpx.Response(200, json=_without_chunks(answer.json())).content if method != "HEAD" else b""
    except ValueError:
        content = answer.content
    return Answer(answer.status_code, kept, content)


def _without_chunks(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_chunks(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_chunks(item) for key, item in value.items() if key not in ("xetHash", "xetEnabled")}
    return value


def _file(method: str, target: str, headers: dict[str, str]) -> Answer:
    """A file's bytes as they come, or its facts. Where they really lie is the upstream's own affair."""
    stack = ExitStack()
    try:
        client = stack.enter_context(httpx.Client(timeout=_TIMEOUT, follow_redirects=method == "GET"))
        request = client.stream(method, settings.SMALLHUB_UPSTREAM + target, headers=headers)
        answer = stack.enter_context(request)
    except httpx.HTTPError as error:
        stack.close()
        raise OriginUnreachable(origin=settings.SMALLHUB_UPSTREAM, reason=type(error).__name__) from error
    told = [*answer.history, answer]
    kept = {name: answer.headers[name] for name in (*_PASSED_BACK, *_ERRORS_BACK) if name in answer.headers}
    for each in told:  # The hub's own answer says which commit and which content, whoever sends the bytes.
        kept |= {
            name: each.headers[name]
            for name in ("X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size")
            if name in each.headers
        }
    kept["ETag"] = kept.get("X-Linked-Etag", kept.get("ETag", ""))
    length = answer.headers.get("Content-Length", "") if not answer.is_redirect else ""
    if method == "HEAD":
        stack.close()
        status = 200 if answer.is_redirect and "X-Linked-Size" in kept else answer.status_code
        return Answer(status, kept | {"Content-Length": kept.get("X-Linked-Size", length)}, b"")
    return Answer(answer.status_code, kept | ({"Content-Length": length} if length else {}), _stream(answer, stack))


def _stream(answer: httpx.Response, stack: ExitStack) -> Iterator[bytes]:
    with stack:
        yield from answer.iter_raw(_STEP_BYTES)


def _ask(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    try:
        with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
            answer = client.request(method, settings.SMALLHUB_UPSTREAM + target, headers=headers, content=body or None)
    except httpx.HTTPError as error:
        raise OriginUnreachable(origin=settings.SMALLHUB_UPSTREAM, reason=type(error).__name__) from error
    if len(answer.content) > _MAX_JSON_BYTES:
        raise OriginUnreachable(origin=settings.SMALLHUB_UPSTREAM, reason="It sent too much.")
    return answer
