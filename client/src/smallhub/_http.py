"""How we speak: one connection pool, redirects followed by our own rules, the hub's refusals turned into exceptions.

The token goes to the endpoint's own origin (scheme, host and port) and nowhere else, whoever asks for it: a redirect,
an address in a manifest, an upload link. `transport` is a seam: tests may mount an application in place of a network.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from . import __version__
from ._config import Config
from ._exceptions import (
    AcceptanceNeeded,
    AccessDenied,
    Conflict,
    IntegrityError,
    Invalid,
    LatestHeld,
    NotFound,
    Offline,
    RepositoryNotFound,
    RevisionNotFound,
    ServerError,
    SmallhubError,
    UnsafeRedirect,
)

log = logging.getLogger("smallhub")


MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 5
TRIES = 6
_TIMEOUT = httpx.Timeout(connect=10, read=60, write=60, pool=60)
_GATED = {"gatedrepo", "gated_repository", "access_lapsed"}
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}

Body = bytes | Callable[[], Iterable[bytes]] | None  # A callable gives the stream afresh for each try.


T = TypeVar("T")


class TemporaryFailureError(Exception):
    """One try failed in a way that another try may mend. Never leaves this package."""

    def __init__(self, reason: str, *, wait_s: float | None = None, is_connect: bool = False) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.is_connect = is_connect


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, read into memory."""

    status: int
    headers: httpx.Headers
    data: Any


class Http:
    """A connection to one hub. Safe to share between threads."""

    def __init__(self, config: Config, *, transport: httpx.BaseTransport | None = None) -> None:
        self.config = config
        self._origin = _origin(config.endpoint)
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._client = httpx.Client(
            transport=transport,
            timeout=_TIMEOUT,
            follow_redirects=False,
            headers={"User-Agent": f"smallhub/{__version__} python/{python}", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def address(self, url: str) -> str:
        """The absolute address of a path on the hub, or of a URL it gave."""
        return urljoin(self.config.endpoint + "/", url.lstrip("/") if not urlsplit(url).scheme else url)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json_body: Any = None,
        content: Body = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
        tries: int = TRIES,
    ) -> Answer:
        """Ask the hub and return its JSON. Statuses of 400 and more raise, unless they are in `accept`.

        Raises:
            SmallhubError: the kind that fits the refusal; Offline when there is no way to the hub.
        """
        extra = dict(headers or {})
        if json_body is not None:
            content = json.dumps(json_body).encode()
            extra.setdefault("Content-Type", "application/json")
        url = str(httpx.URL(self.address(path), params=params) if params else self.address(path))

        def once() -> Answer:
            with self.stream(method, url, headers=extra, content=content) as response:
                if response.status_code < 400 or response.status_code in accept:
                    return Answer(response.status_code, response.headers, _read_json(response))
                raise_refusal(response)

        return self.with_retries(once, tries=tries)

    def with_retries(self, once: Callable[[], T], *, tries: int = TRIES) -> T:
        """Call `once` until it succeeds, waiting longer each time: half a second, one, two, four, eight."""
        for attempt in range(tries):
            try:
                return once()
            except TemporaryFailureError as failure:
                if attempt + 1 == tries:
                    raise self.final(failure) from failure
                # A little chance, so that many clients of one hub do not come back all at once.
                usual_s = 0.5 * 2**attempt * random.uniform(0.8, 1.2)  # noqa: S311  # No secret is made of it.
                wait_s = usual_s if failure.wait_s is None else failure.wait_s
                if failure.is_connect and attempt >= 1:
                    raise self.final(failure) from failure  # Nobody listens there; a user should not wait for long.
                log.info("Trying again in %.1f s: %s", wait_s, failure)
                time.sleep(min(wait_s, 60))
        raise AssertionError("The loop above always returns or raises.")

    def final(self, failure: TemporaryFailureError) -> SmallhubError:
        """The exception for a failure that no further try will mend."""
        if failure.is_connect:
            return Offline(f"The hub at {self.config.endpoint} cannot be reached: {failure}")
        return ServerError(f"The hub at {self.config.endpoint} failed again and again: {failure}", code="unavailable")

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Body = None,
        with_token: bool = True,
    ) -> Iterator[httpx.Response]:
        """Send one request and give the response with its body still to be read, after redirects.

        Raises:
            TemporaryFailureError: the network failed, or the status says "later".
            UnsafeRedirect: the server sent us where we do not go.
            Offline: the configuration forbids the network.
        """
        if self.config.offline:
            raise Offline("Offline mode is on (SMALLHUB_OFFLINE), so the hub is not asked.")
        try:
            response = self._follow(method, self.address(url), dict(headers or {}), content, with_token)
            try:
                _raise_temporary(response)
                yield response
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TemporaryFailureError(_words(error), is_connect=True) from error
        except httpx.InvalidURL as error:
            raise ServerError(f"The server gave an address that is none: {error}.", code="bad_address") from error
        except httpx.TransportError as error:
            raise TemporaryFailureError(_words(error)) from error

    def _follow(
        self, method: str, url: str, headers: dict[str, str], content: Body, with_token: bool
    ) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(method, url, headers, content, with_token)
            location = response.headers.get("Location")
            if response.status_code not in {301, 302, 303, 307, 308} or not location:
                return response
            response.close()
            target = urljoin(url, location)
            self._check_redirect(method, url, target, response.status_code)
            url = target
        raise UnsafeRedirect(f"The server sent us from place to place more than {MAX_REDIRECTS} times.")

    def _send(self, method: str, url: str, headers: dict[str, str], content: Body, with_token: bool) -> httpx.Response:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise UnsafeRedirect(f"The server sent us to {url!r}, which is no http address.")
        own = dict(headers)
        if with_token and self.config.token and _origin(url) == self._origin:
            own["Authorization"] = f"Bearer {self.config.token}"
        body = content() if callable(content) else content
        request = self._client.build_request(method, url, headers=own, content=body)
        response = self._client.send(request, stream=True, follow_redirects=False)
        self._client.cookies.clear()  # The API knows no cookies; keeping them would be a second, hidden identity.
        return response

    def _check_redirect(self, method: str, url: str, target: str, status: int) -> None:
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise UnsafeRedirect(f"The server sent us from https to {target!r}, where anybody can listen.")
        if method not in {"GET", "HEAD"} and (status not in {307, 308} or _origin(target) != self._origin):
            raise UnsafeRedirect(f"The server sent a {method} on to {target!r}; what we send stays with the hub.")


def raise_refusal(response: httpx.Response) -> NoReturn:
    """Turn a status of 400 or more into the exception that fits it. Reads the rest of the body."""
    code, text = _read_refusal(response)
    status = response.status_code
    details: dict[str, Any] = {"status": status, "url": str(response.request.url)}
    if response.headers.get("X-Request-Id"):
        details["request_id"] = response.headers["X-Request-Id"]
    lowered = code.lower()
    is_missing = status == 404 or (status == 401 and "notfound" in lowered.replace("_", ""))
    if is_missing and lowered == LatestHeld.code:
        raise LatestHeld(text or "No release may be `latest` now.", **details)
    if is_missing and "revision" in lowered:
        raise RevisionNotFound(text or "There is no such revision.", **details)
    if is_missing and ("repo" in lowered or status == 401):
        raise RepositoryNotFound(_with_hint(text or "No such repository", response), **details)
    if is_missing:
        raise NotFound(text or f"The hub knows nothing at {response.request.url.path}.", **details)
    if status in {401, 403} and lowered in _GATED:
        raise AcceptanceNeeded(_with_hint(text or "The files are gated", response), **details)
    if status in {401, 403}:
        raise AccessDenied(_with_hint(text or "The hub denied access", response), code=code or None, **details)
    if status in {409, 412}:
        raise Conflict(text or "Somebody else changed the same thing.", code=code or None, **details)
    if status < 500:
        raise Invalid(text or f"The hub refused the request (status {status}).", code=code or None, **details)
    raise ServerError(text or f"The hub failed with status {status}.", **details)


def _with_hint(text: str, response: httpx.Response) -> str:
    if "Authorization" in response.request.headers:
        return text
    return f"{text.rstrip('.')}. No token was sent: run `smallhub login`, or set SMALLHUB_TOKEN, if it is private."


def _read_refusal(response: httpx.Response) -> tuple[str, str]:
    """The stable code and the sentence, from our API's body or from the wire's headers."""
    code = response.headers.get("X-Error-Code", "")
    text = response.headers.get("X-Error-Message", "")
    try:
        body = _read_json(response)
    except (ServerError, TemporaryFailureError, httpx.TransportError):
        body = None  # The status alone has to do: an error page in HTML is no reason for another error.
    if isinstance(body, dict):
        code = code or str(body.get("code") or "")
        said = body.get("message") or body.get("error") or body.get("detail") or ""
        if isinstance(body.get("errors"), list):
            said = said or "; ".join(str(item.get("message", item)) for item in body["errors"] if item)
        text = text or (", ".join(map(str, said)) if isinstance(said, list) else str(said))
    return code, text


def _read_json(response: httpx.Response) -> Any:
    """Read a body of limited size; an empty one is None."""
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MAX_JSON_BYTES:
            raise ServerError("The hub's answer is far too long.", code="answer_too_long")
        chunks.append(chunk)
    if not size or response.request.method == "HEAD":
        return None
    try:
        return json.loads(b"".join(chunks))
    except (ValueError, RecursionError) as error:
        raise ServerError(
            f"{response.request.url} answered with something that is not JSON (status {response.status_code}). "
            "Is the endpoint a Smallhub?",
            code="not_json",
        ) from error


def _raise_temporary(response: httpx.Response) -> None:
    if response.status_code in _RETRY_STATUS:
        seconds = response.headers.get("Retry-After", "")
        code, text = _read_refusal(response)
        if code == "corrupt_content":  # The hub noticed that its own copy is damaged; time does not mend that.
            raise IntegrityError(f"the hub's own copy is damaged: {text}", code=code)
        reason = f"status {response.status_code}" + (f" ({text})" if text else "")
        raise TemporaryFailureError(reason, wait_s=float(seconds) if seconds.isdigit() else None)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError as error:
        raise ServerError(f"{url!r} has no valid port.", code="bad_address") from error
    return parts.scheme, (parts.hostname or "").lower(), port


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
