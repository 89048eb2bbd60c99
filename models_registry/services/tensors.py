"""The tensors of a commit's weight files, from their headers alone."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

from models_registry.exceptions import BadWeights
from models_registry.formats import gguf, safetensors
from models_registry.formats.errors import BadFormat
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.services.weight_headers import MAX_SHARDS, read_range
from models_registry.types import Entry

_BLOCK_BYTES = 1 << 18
_SUFFIXES = (".safetensors", ".gguf")


@dataclass(frozen=True)
class NamedTensor:
    """One tensor of one file. Shapes are outermost axis first."""

    file: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    elements: int
    size_bytes: int


def weight_paths(commit: Commit) -> list[str]:
    """Files whose tensors can be listed, in the order of their names; those that are held back are left out."""
    names = (path for path in listing_of(commit).files if path.endswith(_SUFFIXES) and path not in commit.held)
    return sorted(names)[:MAX_SHARDS]


def list_tensors(repository: Repository, commit: Commit, paths: Iterable[str]) -> list[NamedTensor]:
    """All tensors of these files, file by file, in the order in which they lie there.

    Raises:
        BadWeights: a header breaks its format's rules.
    """
    files = listing_of(commit).files
    found: list[NamedTensor] = []
    for path in paths:
        try:
            tensors = weight_header(repository, files[path]).tensors
        except BadFormat as error:
            raise BadWeights(path=path, reason=error.detail) from error
        found += [
            NamedTensor(path, each.name, each.dtype, each.shape, each.elements, each.size_bytes) for each in tensors
        ]
    return found


def weight_header(repository: Repository, entry: Entry) -> safetensors.SafetensorsHeader | gguf.GgufHeader:
    """What the head of a weight file declares: its tensors and its own metadata.

    Raises:
        BadFormat: the header breaks its format's rules.
    """
    stream = io.BufferedReader(_Ranges(repository, entry), _BLOCK_BYTES)
    if entry.path.endswith(".gguf"):
        return gguf.read_header(stream, size_bytes=entry.size)
    return safetensors.read_header(stream, size_bytes=entry.size)


class _Ranges(io.RawIOBase):
    """A stored file as a stream that fetches what is read, from the beginning on."""

    def __init__(self, repository: Repository, entry: Entry) -> None:
        self._repository, self._entry, self._at = repository, entry, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # The interpreter hands in a memoryview.
        stop = min(self._entry.size, self._at + len(buffer))
        block = read_range(self._repository, self._entry, self._at, stop) if stop > self._at else b""
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)
