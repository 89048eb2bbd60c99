"""Which chunk lies where in a file: what two files share can be told without reading either."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_registry.models import Content
from models_registry.services.content.xorbs import Shelf
from models_registry.storage.terms import unpack_terms


@dataclass(frozen=True, eq=False)
class ChunkMap:
    """The chunks of one file in order: where each ends, and its hash. About 40 bytes for each 64 KiB."""

    ends: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.void]

    def within(self, start: int, stop: int) -> list[tuple[int, int, bytes]]:
        """The chunks that a range touches: (start, end, hash), counted from the range's start."""
        first = int(np.searchsorted(self.ends, start, side="right"))
        last = int(np.searchsorted(self.ends, stop, side="left")) + 1
        ends = (self.ends[first:last] - start).tolist()
        begin = (int(self.ends[first - 1]) if first else 0) - start
        raw = self.hashes[first:last].tobytes()
        return [
            (begin if index == 0 else ends[index - 1], end, raw[32 * index : 32 * index + 32])
            for index, end in enumerate(ends)
        ]


def chunk_map(content: Content) -> ChunkMap:
    """The map of one file, from its terms and the tables of its xorbs.

    Raises:
        CorruptContent: a xorb's row is gone.
    """
    shelf = Shelf()
    lengths, hashes = [], []
    for term in unpack_terms(content.terms):
        _, table = shelf.get(term.xorb)
        ends = table.records["raw_end"][term.start : term.stop].astype(np.int64)
        lengths.append(np.diff(ends, prepend=table.raw_offset(term.start)))
        hashes.append(table.records["hash"][term.start : term.stop])
    if not lengths:
        return ChunkMap(np.zeros(0, dtype=np.int64), np.zeros(0, dtype="V32"))
    return ChunkMap(np.cumsum(np.concatenate(lengths)), np.concatenate(hashes))


def unequal_spans(
    before: ChunkMap, after: ChunkMap, *, before_start: int, after_start: int, length: int
) -> list[tuple[int, int]]:
    """Ranges, counted from the two starts, that are not the same chunks at the same place on both sides."""
    if not length:
        return []
    known = {(start, chunk) for start, _, chunk in before.within(before_start, before_start + length)}
    spans: list[tuple[int, int]] = []
    for start, end, chunk in after.within(after_start, after_start + length):
        if (start, chunk) in known:
            continue
        start, end = max(start, 0), min(end, length)
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        elif start < end:
            spans.append((start, end))
    return spans
