"""Terms: a file as runs of chunks of xorbs. Packed with 44 bytes a term, so that a row carries those of any file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models_registry.storage.digests import XetHash

_RECORD = np.dtype([("xorb", "V32"), ("start", "<u4"), ("stop", "<u4"), ("raw_bytes", "<u4")])


@dataclass(frozen=True, slots=True)
class Term:
    """A run of chunks of one xorb, from `start` up to but not including `stop`; `raw_bytes` unpacked."""

    xorb: XetHash
    start: int
    stop: int
    raw_bytes: int


def pack_terms(terms: Sequence[Term]) -> bytes:
    """The bytes that a row keeps."""
    records = np.zeros(len(terms), dtype=_RECORD)
    for index, term in enumerate(terms):
        records[index] = (np.void(term.xorb.to_bytes()), term.start, term.stop, term.raw_bytes)
    return records.tobytes()


def unpack_terms(packed: bytes | memoryview) -> list[Term]:
    """The terms of a row."""
    return [
        Term(XetHash.from_bytes(row["xorb"].tobytes()), int(row["start"]), int(row["stop"]), int(row["raw_bytes"]))
        for row in np.frombuffer(packed, dtype=_RECORD)
    ]


def xorbs_of(packed: bytes | memoryview) -> set[XetHash]:
    """The xorbs that packed terms name."""
    named = np.unique(np.frombuffer(packed, dtype=_RECORD)["xorb"].view(np.dtype("S32"))) if packed else ()
    return {XetHash.from_bytes(bytes(each).ljust(32, b"\0")) for each in named}


def joined(terms: Iterable[Term]) -> list[Term]:
    """The same file with neighbouring runs made one."""
    result: list[Term] = []
    for term in terms:
        last = result[-1] if result else None
        if last is not None and last.xorb == term.xorb and last.stop == term.start:
            result[-1] = Term(term.xorb, last.start, term.stop, last.raw_bytes + term.raw_bytes)
        else:
            result.append(term)
    return result
