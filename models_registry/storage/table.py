"""The table of a xorb's chunks: which hash lies where. Kept with the xorb's row as compact bytes, 40 a chunk."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from models_registry.storage.digests import XetHash
from models_registry.storage.hashing import Leaf, xorb_hash

_RECORD = np.dtype([("hash", "V32"), ("stored_end", "<u4"), ("raw_end", "<u4")])


@dataclass(frozen=True, eq=False)
class ChunkTable:
    """Records (hash, end of the frame in the stored xorb, end of the raw bytes), one for each chunk in order."""

    records: npt.NDArray[np.void]

    @classmethod
    def build(cls, chunks: Iterable[tuple[bytes, int, int]]) -> Self:
        """Make a table of (hash, frame bytes, raw bytes)."""
        rows = list(chunks)
        records = np.zeros(len(rows), dtype=_RECORD)
        if rows:
            hashes, stored, raw = zip(*rows, strict=True)
            records["hash"] = np.frombuffer(b"".join(hashes), dtype="V32")
            records["stored_end"] = np.cumsum(stored)
            records["raw_end"] = np.cumsum(raw)
        return cls(records)

    @classmethod
    def from_bytes(cls, raw: bytes | memoryview) -> Self:
        return cls(np.frombuffer(raw, dtype=_RECORD))

    def to_bytes(self) -> bytes:
        return self.records.tobytes()

    def __len__(self) -> int:
        return len(self.records)

    def hash_at(self, index: int) -> bytes:
        return bytes(self.records["hash"][index].tobytes())

    def hashes(self, start: int = 0, stop: int | None = None) -> list[bytes]:
        """The raw chunk hashes of a range."""
        joined = self.records["hash"][start:stop].tobytes()
        return [joined[at : at + 32] for at in range(0, len(joined), 32)]

    def stored_offset(self, index: int) -> int:
        """Where the frame of a chunk begins in the stored xorb; for `len(self)`, where the last one ends."""
        return int(self.records["stored_end"][index - 1]) if index else 0

    def raw_offset(self, index: int) -> int:
        """Where a chunk begins among the raw bytes."""
        return int(self.records["raw_end"][index - 1]) if index else 0

    def raw_length(self, start: int, stop: int) -> int:
        return self.raw_offset(stop) - self.raw_offset(start)

    def index_at_raw(self, offset: int) -> int:
        """The chunk that holds the raw byte at `offset`."""
        return int(np.searchsorted(self.records["raw_end"], offset, side="right"))

    def index_at_stored(self, offset: int) -> int:
        """The chunk whose frame holds the stored byte at `offset`."""
        return int(np.searchsorted(self.records["stored_end"], offset, side="right"))

    def leaves(self, start: int = 0, stop: int | None = None) -> list[Leaf]:
        """The (hash, raw bytes) pairs of a range: leaves of a hash tree."""
        stop = len(self) if stop is None else stop
        ends = self.records["raw_end"][start:stop].astype(np.int64)
        lengths = np.diff(ends, prepend=self.raw_offset(start)).tolist()
        return list(zip(self.hashes(start, stop), lengths, strict=True))

    def xorb_hash(self) -> XetHash:
        return xorb_hash(self.leaves())
