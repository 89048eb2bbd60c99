"""Weight files of a commit as sources of tensors: headers by our own readers, bytes by ranges. Nothing is executed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from models_registry.formats import gguf, safetensors
from models_registry.formats.errors import BadFormat
from models_registry.formats.sketches import Read, Source
from models_registry.lineage import Claim
from models_registry.lineage.headers import gguf_claims
from models_registry.manifests import listing_of
from models_registry.models import Commit, GitObject, Repository
from models_registry.services import content
from models_registry.services.tensors import weight_paths
from models_registry.types import Entry

_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True)
class Opened:
    """What the weight files of a commit hold. Files that break their format's rules are named in `faults`."""

    sources: list[Source]
    claims: list[Claim]
    faults: list[str]


def open_weights(repository: Repository, commit: Commit) -> Opened:
    """Read the headers of a commit's weights.

    Raises:
        CorruptContent: stored bytes are gone or damaged.
    """
    found = Opened([], [], [])
    files = listing_of(commit).files
    for path in weight_paths(commit):
        read = _reader(repository, files[path])
        if read is None:
            found.faults.append(path)
            continue
        stream = io.BufferedReader(_Stream(read, files[path].size), _BLOCK_BYTES)
        try:
            _add(found, path, stream, read, files[path].size)
        except BadFormat as error:
            found.faults.append(f"{path}: {error.detail}")
    return found


def _add(found: Opened, path: str, stream: BinaryIO, read: Read, size: int) -> None:
    if path.endswith(".gguf"):
        header = gguf.read_header(stream, size_bytes=size)
        found.claims.extend(gguf_claims(header.metadata, path=path, dtypes=set(header.by_dtype())))
        found.sources.append(Source(header.tensors, read))
    else:
        found.sources.append(Source(safetensors.read_header(stream, size_bytes=size).tensors, read))


def _reader(repository: Repository, entry: Entry) -> Callable[[int, int], bytes] | None:
    """How to read a range of one file, small or large; None where its bytes are not here."""
    if not entry.is_large:
        body = GitObject.objects.filter(repository=repository, oid=entry.oid).values_list("body", flat=True).first()
        raw = bytes(body) if body is not None else None
        return (lambda start, stop: raw[start:stop]) if raw is not None else None
    held = content.find_linked(repository=repository, sha256=entry.sha256)
    return (lambda start, stop: b"".join(content.read(held, start, stop))) if held is not None else None


class _Stream(io.RawIOBase):
    """Ranges as a stream, from the beginning on."""

    def __init__(self, read: Read, size_bytes: int) -> None:
        self._read, self._size, self._at = read, size_bytes, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # The interpreter hands in a memoryview.
        stop = min(self._size, self._at + len(buffer))
        block = self._read(self._at, stop) if stop > self._at else b""
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)
