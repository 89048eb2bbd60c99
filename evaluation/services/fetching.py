"""The public sets from another hub: the files that our declarations pin, taken over its ordinary API.

Only files with the pinned hashes are believed. What was fetched stays in a folder of its own until its set is imported,
so that a broken run goes on where it stopped.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings

from evaluation.benchmarks import external
from evaluation.exceptions import ImportFault, SourceUnavailable
from evaluation.services.importing import SourceSet, clips_of

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_TRIES = 4
_STEP_BYTES = 1 << 20
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Wanted:
    """One file of a set as it must be. `size_bytes` is None where nothing says."""

    path: str
    sha256: str
    size_bytes: int | None


@dataclass(frozen=True)
class Elsewhere:
    """Another hub, and whose data sets are taken there."""

    endpoint: str
    owner: str
    token: str = ""

    def url(self, name: str, path: str) -> str:
        return f"{self.endpoint.rstrip('/')}/datasets/{quote(self.owner)}/{quote(name)}/resolve/main/{quote(path)}"


def sets() -> dict[str, list[dict[str, Any]]]:
    """Our declarations by the data set that holds their files."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in external.names():
        found.setdefault(external.set_of(name), []).append(external.declaration(name))
    return found


@contextmanager
def fetched(name: str, *, elsewhere: Elsewhere) -> Iterator[SourceSet]:
    """One set as a folder that `import_set` takes. The folder goes once the block has ended well.

    Raises:
        ImportFault: the other hub lacks a file, or has another one under its name.
        SourceUnavailable: it does not answer now.
    """
    declarations = sets()[name]
    # Each hub has a folder of its own: what one sent must not be taken for what another has.
    place = hashlib.sha256(f"{elsewhere.endpoint}/{elsewhere.owner}".encode()).hexdigest()[:16]
    folder: Path = settings.SMALLHUB_DATA / "imports" / place / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    headers = {"Authorization": f"Bearer {elsewhere.token}"} if elsewhere.token else {}
    rows: dict[str, dict[str, Any]] = {}
    with httpx.Client(timeout=_TIMEOUT, headers=headers, follow_redirects=True) as client:
        for wanted in _wanted(declarations):
            _fetch(client, elsewhere.url(name, wanted.path), folder, wanted)
            rows[wanted.path] = _row(elsewhere, name, wanted)
        for wanted in _clips(declarations, folder):
            _fetch(client, elsewhere.url(name, wanted.path), folder, wanted)
            rows[wanted.path] = _row(elsewhere, name, wanted)
    licences = ", ".join(sorted({str(declared["licence"]) for declared in declarations}))
    yield SourceSet(name, folder, rows, _licence_class(declarations), licences)
    _remove(folder)


def _licence_class(declarations: list[dict[str, Any]]) -> str:
    if all(declared["redistributable"] for declared in declarations):
        return "A"
    return "C" if any(declared["licence"] == "LicenseRef-unstated" for declared in declarations) else "B"


def _wanted(declarations: list[dict[str, Any]]) -> list[Wanted]:
    files = {file["path"]: file for declared in declarations for file in declared["files"]}
    return [Wanted(path, file["sha256"], file["bytes"]) for path, file in sorted(files.items())]


def _clips(declarations: list[dict[str, Any]], folder: Path) -> Iterator[Wanted]:
    """The clips that a verified list pins."""
    for path, sha256 in clips_of(declarations, folder):
        yield Wanted(path, sha256, None)


def _fetch(client: httpx.Client, url: str, folder: Path, wanted: Wanted) -> None:
    """Bring one file, going on where an earlier try ended."""
    target = folder / wanted.path
    if target.is_file() and _sha256(target) == wanted.sha256:
        return
    part = folder / f"{wanted.path}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    for left in reversed(range(_TRIES)):
        try:
            _append(client, url, part, wanted)
            break
        except httpx.TransportError as error:
            if not left:
                raise SourceUnavailable(url=url, reason=str(error) or type(error).__name__) from error
            time.sleep(0.2 * 2 ** (_TRIES - left))
    if _sha256(part) != wanted.sha256:
        part.unlink()
        raise ImportFault(path=wanted.path, reason="the other hub has another file under this name.")
    part.replace(target)


def _append(client: httpx.Client, url: str, part: Path, wanted: Wanted) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    most = _MAX_BYTES if wanted.size_bytes is None else wanted.size_bytes
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # All of it is here already; the hash will tell.
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            raise ImportFault(path=wanted.path, reason=f"the other hub does not give it ({answer.status_code}).")
        if answer.status_code >= 400:
            raise SourceUnavailable(url=url, reason=f"It answers {answer.status_code}.")
        mode = "ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
        with part.open(mode) as file:
            for block in answer.iter_bytes(_STEP_BYTES):
                file.write(block)
                if file.tell() > most:
                    break  # More than the pinned file has: the hash will refuse it.


def _row(elsewhere: Elsewhere, name: str, wanted: Wanted) -> dict[str, Any]:
    return {
        "file": f"{name}/{wanted.path}",
        "sha256": wanted.sha256,
        "bytes": wanted.size_bytes,
        "repo": f"{elsewhere.owner}/{name}, another hub",
        "conversion": "none (byte-identical)",
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remove(folder: Path) -> None:
    for entry in sorted(folder.rglob("*"), reverse=True):
        entry.unlink() if entry.is_file() else entry.rmdir()
    folder.rmdir()
