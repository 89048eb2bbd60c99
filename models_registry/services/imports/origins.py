"""Where a repository is imported from: a Git server, a folder, or another hub. Speaks, stores nothing."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import httpx
from dulwich.client import FetchPackResult, GitClient, HttpGitClient, LocalGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import ObjectStoreGraphWalker
from dulwich.objects import ObjectID
from urllib3.exceptions import HTTPError

from models_registry.git.objects import Pointer
from models_registry.services.imports.exceptions import OriginLacksObject, OriginRefused, OriginUnreachable
from models_registry.types import BRANCH, PULL, TAG

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_STEP_BYTES = 1 << 20
_LFS = "application/vnd.git-lfs+json"
_TRIES = 4
_PREFIX = {"model": "", "dataset": "datasets/", "app": "spaces/"}
_PLURAL = {"model": "models", "dataset": "datasets", "app": "spaces"}


@dataclass(frozen=True)
class OriginRefs:
    """Branches, tags and, of a hub, pull requests by full name with the object that each names; the default branch."""

    refs: dict[str, str]
    default_branch: str


@dataclass(frozen=True)
class Origin:
    """A repository elsewhere.

    Attributes:
        url: of its Git side: http, https, or a folder's path.
        token: sent as the password; empty for none.
        settings: what another hub says of the repository (`private`, `gated`); empty for plain Git.
        api: the repository's address in that hub's API.
    """

    url: str
    token: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    api: str = ""

    @classmethod
    def of_hub(cls, endpoint: str, kind: str, name: str, *, token: str = "") -> "Origin":
        """A repository of a hub that speaks the wire.

        Raises:
            OriginUnreachable, OriginRefused
        """
        base = endpoint.rstrip("/")
        answer = _asked("GET", f"{base}/api/{_PLURAL[kind]}/{quote(name)}", headers=_bearer(token))
        if answer.status_code != httpx.codes.OK:
            raise OriginRefused(origin=base, reason=_said(answer))
        try:
            facts = answer.json()
            known = {"private": bool(facts["private"]), "gated": facts.get("gated") or False, "id": str(facts["id"])}
        except (ValueError, KeyError, TypeError) as error:
            raise OriginRefused(origin=base, reason="It does not answer as a hub.") from error
        api = f"{base}/api/{_PLURAL[kind]}/{quote(str(known['id']))}"
        return cls(f"{base}/{_PREFIX[kind]}{known['id']}", token, known, api)

    @property
    def is_local(self) -> bool:
        return not self.url.startswith(("http://", "https://"))

    def refs(self) -> OriginRefs:
        """What there is now.

        Raises:
            OriginUnreachable, OriginRefused
        """
        with _translated(self.url):
            client, path = self._client()
            found = client.get_refs(path.encode())
        return _sorted(found.refs, found.symrefs, (BRANCH, TAG, PULL) if self.api else (BRANCH, TAG))

    def threads(self, page: int) -> dict[str, Any]:
        """One page of a hub's list of discussions and pull requests.

        Raises:
            OriginUnreachable, OriginRefused
        """
        return self._told(f"{self.api}/discussions?p={page}")

    def thread(self, number: int) -> dict[str, Any]:
        """All that happened in one of them.

        Raises:
            OriginUnreachable, OriginRefused
        """
        return self._told(f"{self.api}/discussions/{number}")

    def _told(self, url: str) -> dict[str, Any]:
        answer = _asked("GET", url, headers=_bearer(self.token))
        if answer.status_code in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND) and "?p=" in url:
            return {"discussions": [], "count": 0}  # Switched off there.
        if answer.status_code != httpx.codes.OK:
            raise OriginRefused(origin=self.url, reason=_said(answer))
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise OriginRefused(origin=self.url, reason="It does not answer as a hub.")
        return found

    def fetch(
        self, wanted: Iterable[str], *, have: Iterable[str], parents: Callable[[str], list[str]], into: BinaryIO
    ) -> None:
        """Write a pack with everything that the wanted objects need and that those at hand do not bring.

        Args:
            have: commits that are here; their parents are asked for through `parents`.

        Raises:
            OriginUnreachable, OriginRefused
        """
        walker = ObjectStoreGraphWalker(
            [ObjectID(oid.encode()) for oid in have],
            lambda oid: [ObjectID(parent.encode()) for parent in parents(oid.decode())],
        )
        wants = [ObjectID(oid.encode()) for oid in wanted]
        with _translated(self.url):
            client, path = self._client()
            _fetched(client, path, wants, walker, into)

    @contextmanager
    def large(self, pointer: Pointer, part: Path) -> Iterator[Path]:
        """A file with the content of a pointer; a download that broke off goes on where it stopped.

        Args:
            part: where the download is kept. It is removed afterwards unless the download broke off.

        Raises:
            OriginLacksObject: the origin does not have it.
            OriginUnreachable, OriginRefused
        """
        if self.is_local:
            yield self._local_object(pointer)
            return
        for attempt in range(_TRIES):
            try:
                self._download(pointer, part)
                break
            except httpx.TransportError as error:
                if attempt == _TRIES - 1:
                    raise OriginUnreachable(origin=self.url, reason=type(error).__name__) from error
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _client(self) -> tuple[GitClient, str]:
        if self.is_local:
            return LocalGitClient(), self.url
        parts = urlsplit(self.url)
        client = HttpGitClient(
            f"{parts.scheme}://{parts.netloc}",
            thin_packs=False,
            quiet=True,
            timeout=60.0,
            username="import" if self.token else None,
            password=self.token or None,
        )
        return client, parts.path

    def _local_object(self, pointer: Pointer) -> Path:
        root = Path(self.url)
        for folder in (root / ".git" / "lfs" / "objects", root / "lfs" / "objects"):
            path = folder / pointer.sha256[:2] / pointer.sha256[2:4] / pointer.sha256
            if path.is_file():
                return path
        raise OriginLacksObject(origin=self.url, sha256=pointer.sha256)

    def _download(self, pointer: Pointer, part: Path) -> None:
        """Ask where the object is, then take it from where the last try stopped."""
        href, headers = self._place_of(pointer)
        done = part.stat().st_size if part.exists() else 0
        if done >= pointer.size:
            part.unlink(missing_ok=True)
            done = 0
        headers = headers | ({"Range": f"bytes={done}-"} if done else {})
        with httpx.stream("GET", href, headers=headers, timeout=_TIMEOUT, follow_redirects=True) as answer:
            if answer.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                answer.read()
                raise OriginRefused(origin=self.url, reason=_said(answer))
            with part.open("ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as file:
                for piece in answer.iter_bytes(_STEP_BYTES):
                    file.write(piece)
                    if file.tell() > pointer.size:
                        raise OriginRefused(origin=self.url, reason="It sent more than the pointer says.")

    def _place_of(self, pointer: Pointer) -> tuple[str, dict[str, str]]:
        """Address and headers for one object, by the batch call of git-lfs."""
        base = self.url if self.url.endswith(".git") else f"{self.url}.git"
        body = {
            "operation": "download",
            "transfers": ["basic"],
            "objects": [{"oid": pointer.sha256, "size": pointer.size}],
            "hash_algo": "sha256",
        }
        headers = {"Accept": _LFS, "Content-Type": _LFS} | self._basic()
        answer = _asked("POST", f"{base}/info/lfs/objects/batch", headers=headers, content=json.dumps(body).encode())
        try:
            found = answer.json()["objects"][0]
            action = found.get("actions", {}).get("download")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise OriginRefused(origin=self.url, reason=_said(answer)) from error
        if not isinstance(action, dict) or not isinstance(action.get("href"), str):
            raise OriginLacksObject(origin=self.url, sha256=pointer.sha256)
        given = action.get("header") or {}
        return action["href"], {str(name): str(value) for name, value in given.items()}

    def _basic(self) -> dict[str, str]:
        if not self.token:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(f"import:{self.token}".encode()).decode()}


def _fetched(
    client: GitClient, path: str, wants: list[ObjectID], walker: ObjectStoreGraphWalker, into: BinaryIO
) -> FetchPackResult:
    return client.fetch_pack(path.encode(), lambda refs, depth=None: wants, walker, into.write)


def _sorted(refs: dict[Any, Any], symrefs: dict[Any, Any], prefixes: tuple[str, ...]) -> OriginRefs:
    """What is brought here alone; a `^{}` line tells what a tag names, which its object tells as well."""
    names = {name.decode("utf-8", "replace"): oid.decode() for name, oid in refs.items() if oid}
    kept = {name: oid for name, oid in names.items() if name.startswith(prefixes) and not name.endswith("^{}")}
    head = symrefs.get(b"HEAD", b"").decode("utf-8", "replace")
    if head not in kept:
        same = [name for name, oid in kept.items() if name.startswith(BRANCH) and oid == names.get("HEAD")]
        head = next((name for name in (f"{BRANCH}main", f"{BRANCH}master", *same) if name in kept), "")
    return OriginRefs(kept, head.removeprefix(BRANCH))


@contextmanager
def _translated(origin: str) -> Iterator[None]:
    """The client library's failures in our words."""
    try:
        yield
    except NotGitRepository as error:
        raise OriginRefused(
            origin=_bare(origin), reason="There is no Git repository, or it asks for a token."
        ) from error
    except (GitProtocolError, HangupException, AssertionError, ValueError) as error:
        silent = isinstance(error.__cause__, HTTPError)
        raise (OriginUnreachable if silent else OriginRefused)(origin=_bare(origin), reason=_short(error)) from error
    except (HTTPError, OSError) as error:
        raise OriginUnreachable(origin=_bare(origin), reason=_short(error)) from error


def _asked(method: str, url: str, **options: Any) -> httpx.Response:
    try:
        return httpx.request(method, url, timeout=_TIMEOUT, follow_redirects=True, **options)
    except httpx.HTTPError as error:
        raise OriginUnreachable(origin=_bare(url), reason=_short(error)) from error


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _said(answer: httpx.Response) -> str:
    told = answer.headers.get("X-Error-Message", "")
    return f"It answered {answer.status_code}. {told}".strip()


def _bare(url: str) -> str:
    """An address without a name and password in it."""
    return re.sub(r"//[^/@]*@", "//", url)[:200]


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
