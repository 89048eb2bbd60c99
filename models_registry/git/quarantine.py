"""The objects of a push while they are looked at: in a scratch file, known to nobody else, gone with the request."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
NAMES = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}


class Quarantine:
    """Objects by id. Contents are on the disk; about 200 bytes of memory for each.

    Attributes:
        oversized: blobs that are too large to keep, by id: their size, so that a refusal can name path and size.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, prefix="push-")  # noqa: SIM115 - closed by __exit__.
        self._places: dict[bytes, tuple[int, int, int]] = {}
        self._end = 0
        self.oversized: dict[str, int] = {}

    @classmethod
    def collect(cls, objects: Iterable[tuple[int, bytes]], *, folder: Path | None = None) -> Self:
        """From objects as type number and content, for callers that have them otherwise than as a pack."""
        made = cls(folder=folder)
        for kind, body in objects:
            made.add(kind, body)
        return made

    def add(self, kind: int, body: bytes) -> bytes:
        """Keep an object. Returns its raw id, computed here."""
        hasher = object_hasher(kind, len(body))
        hasher.update(body)
        raw = hasher.digest()
        if raw not in self._places:
            self._places[raw] = (kind, self.append(body), len(body))
        return raw

    def append(self, data: bytes) -> int:
        """Put bytes that are no object into the scratch file as well. Returns where."""
        at = self._end
        self._file.seek(at)
        self._file.write(data)
        self._end += len(data)
        return at

    def read_at(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)

    def get(self, oid: str) -> tuple[int, bytes] | None:
        """Type number and content, or None."""
        return self.get_raw(bytes.fromhex(oid))

    def get_raw(self, raw: bytes) -> tuple[int, bytes] | None:
        place = self._places.get(raw)
        if place is None:
            return None
        kind, at, size = place
        return kind, self.read_at(at, size)

    def kind_of(self, oid: str) -> int | None:
        place = self._places.get(bytes.fromhex(oid))
        return place[0] if place else None

    def of_kind(self, kind: int) -> Iterator[str]:
        return (raw.hex() for raw, place in self._places.items() if place[0] == kind)

    def __contains__(self, oid: str) -> bool:
        return bytes.fromhex(oid) in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def object_hasher(kind: int, size: int) -> "hashlib._Hash":
    """Git's SHA-1 of an object of this type and size, before its content."""
    return hashlib.sha1(f"{NAMES[kind]} {size}\0".encode(), usedforsecurity=False)
