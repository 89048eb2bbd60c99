"""Reading packs that strangers send: sizes are checked before memory is spent, deltas before they are applied.

A pack is read once from front to back. An object that is a delta is made at once if its base is known, else when the
base turns up; what then is left over names a base that is nowhere, or runs in a circle.
"""

import hashlib
import struct
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from dulwich.errors import ApplyDeltaError
from dulwich.pack import apply_delta

from models_registry.git.exceptions import MalformedPack, PackTooLarge
from models_registry.git.quarantine import BLOB, NAMES, Quarantine, object_hasher

_OFS_DELTA, _REF_DELTA = 6, 7
_WINDOW = 256 * 1024
_FEED = 4096
_TRAILER = 20
_MAX_OUTSIDE = 5_000

FindBase = Callable[[str], tuple[int, bytes] | None]


@dataclass(frozen=True)
class Limits:
    """What one push may bring.

    Attributes:
        blob_bytes: a larger file is noted as oversized; any other object of that size is refused.
        total_bytes: of all objects, inflated.
        free_bytes: so much may come of any pack; beyond it, `ratio` times the pack's own size.
        seconds: for reading and checking.
    """

    objects: int = 200_000
    blob_bytes: int = 10 * 2**20
    total_bytes: int = 2**30
    free_bytes: int = 256 * 2**20
    ratio: int = 50
    delta_depth: int = 4095
    commits: int = 10_000
    seconds: float = 60.0


class Deadline:
    """Work that strangers can make long ends with a refusal."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds

    def check(self) -> None:
        """Go on, or not.

        Raises:
            PackTooLarge
        """
        if time.monotonic() > self._ends_at:
            raise PackTooLarge(
                reason=f"Checking took longer than {self._seconds:.0f} seconds. Push fewer commits at once."
            )


@dataclass(frozen=True, slots=True)
class _Delta:
    """An object that waits for its base: where it begins, and where its deflated bytes."""

    at: int
    data_at: int
    size: int


def unpack(
    pack: BinaryIO, into: Quarantine, *, limits: Limits, deadline: Deadline, find_base: FindBase = lambda oid: None
) -> None:
    """Put every object of a pack into the quarantine.

    Args:
        pack: a file that can seek, from its current position to its end.
        find_base: an object that is not in the pack but that a delta builds on.

    Raises:
        MalformedPack, PackTooLarge
    """
    _Unpacker(pack, into, limits, deadline, find_base).run()


class _Unpacker:
    def __init__(
        self, pack: BinaryIO, into: Quarantine, limits: Limits, deadline: Deadline, find_base: FindBase
    ) -> None:
        self._source = _Source(pack)
        self._into, self._limits, self._deadline, self._find_base = into, limits, deadline, find_base
        self._total_bytes = 0
        self._most_bytes = min(limits.total_bytes, max(limits.free_bytes, limits.ratio * self._source.end))
        self._ids: dict[int, bytes] = {}  # By where they begin, for deltas that count backwards.
        self._depths: dict[bytes, int] = {}
        self._by_place: dict[int, list[_Delta]] = defaultdict(list)
        self._by_id: dict[bytes, list[_Delta]] = defaultdict(list)
        self._oversized: set[int] = set()

    def run(self) -> None:
        source = self._source
        source.verify()
        signature, version, count = struct.unpack(">4sII", source.read(0, 12))
        if signature != b"PACK" or version not in (2, 3):
            raise MalformedPack(reason="it is not a pack of version 2.")
        if count > self._limits.objects:
            raise PackTooLarge(
                reason=f"The push has {count} objects; at most {self._limits.objects} are taken at once."
            )
        at = 12
        for _ in range(count):
            self._deadline.check()
            at = self._read_entry(at)
        if at != source.end:
            raise MalformedPack(reason="bytes follow the last object.")
        self._resolve_rest()

    def _read_entry(self, at: int) -> int:
        """Take in one entry. Returns where the next begins."""
        kind, size, data_at = self._header(at)
        if kind in NAMES:
            return self._read_plain(at, kind, size, data_at)
        if kind not in (_OFS_DELTA, _REF_DELTA):
            raise MalformedPack(reason=f"an object has the unknown type {kind}.")
        base_at = base = None
        if kind == _OFS_DELTA:
            distance, data_at = self._distance(data_at)
            base_at = at - distance
            if distance <= 0 or base_at < 12:
                raise MalformedPack(reason="a delta counts back to no object.")
            if base_at in self._oversized:
                raise PackTooLarge(reason="A delta builds on a file that is too large for Git. Track it with git lfs.")
            base = self._ids.get(base_at)
        else:
            base = self._source.read(data_at, 20)
            data_at += 20
        if size > self._limits.blob_bytes:
            raise PackTooLarge(reason=f"A delta has {size} bytes.")
        delta, end = self._inflate(data_at, size)
        if base is not None and (found := self._into.get_raw(base)) is not None:
            self._apply(at, base, found, delta)
        else:
            waiting = _Delta(at, data_at, size)
            (self._by_id[base] if base is not None else self._by_place[base_at or 0]).append(waiting)
        return end

    def _read_plain(self, at: int, kind: int, size: int, data_at: int) -> int:
        if size > self._limits.blob_bytes:
            if kind != BLOB:
                raise PackTooLarge(reason=f"A {NAMES[kind]} has {size} bytes.")
            return self._skip_oversized(at, size, data_at)
        body, end = self._inflate(data_at, size)
        self._keep(at, kind, body, depth=0)
        return end

    def _skip_oversized(self, at: int, size: int, data_at: int) -> int:
        """Hash a file that is too large without holding it: the refusal shall name it."""
        self._count(size)
        hasher = object_hasher(BLOB, size)

        def take(piece: bytes) -> None:
            self._deadline.check()
            hasher.update(piece)

        end = self._source.inflate(data_at, size, take)
        self._into.oversized[hasher.hexdigest()] = size
        self._oversized.add(at)
        return end

    def _keep(self, at: int, kind: int, body: bytes, *, depth: int) -> None:
        raw = self._into.add(kind, body)
        self._ids[at] = raw
        if depth:
            self._depths[raw] = depth

    def _resolve_rest(self) -> None:
        """Make the deltas whose bases came after them, and those that build on these."""
        ready = self._outside_bases()
        places: dict[bytes, list[int]] = defaultdict(list)
        for at, raw in self._ids.items():
            if at in self._by_place:
                places[raw].append(at)
        ready += list(places)
        while ready:
            self._deadline.check()
            raw = ready.pop()
            waiting = self._by_id.pop(raw, [])
            for at in places.pop(raw, []):
                waiting += self._by_place.pop(at, [])
            if not waiting:
                continue
            found = self._base(raw)
            assert found is not None
            for delta in waiting:
                data, _ = self._inflate(delta.data_at, delta.size)
                self._apply(delta.at, raw, found, data)
                made = self._ids[delta.at]
                if delta.at in self._by_place:
                    places[made].append(delta.at)
                ready.append(made)
        if self._by_id or self._by_place:
            raise MalformedPack(reason="a delta builds on an object that is nowhere, or on itself.")

    def _outside_bases(self) -> list[bytes]:
        """What deltas name and this pack has not made yet: objects of the repository, or made later.

        Raises:
            PackTooLarge: so many that looking them up would take long.
        """
        if len(self._by_id) > _MAX_OUTSIDE:
            raise PackTooLarge(reason=f"Deltas build on more than {_MAX_OUTSIDE} objects outside of the pack.")
        return [raw for raw in self._by_id if self._base(raw) is not None]

    def _base(self, raw: bytes) -> tuple[int, bytes] | None:
        return self._into.get_raw(raw) or self._find_base(raw.hex())

    def _apply(self, at: int, base: bytes, found: tuple[int, bytes], delta: bytes) -> None:
        depth = self._depths.get(base, 0) + 1
        if depth > self._limits.delta_depth:
            raise PackTooLarge(reason=f"A chain of deltas is longer than {self._limits.delta_depth}.")
        kind, body = found
        source_size, at_size = _varint(delta, 0)
        size, _ = _varint(delta, at_size)
        if source_size != len(body):
            raise MalformedPack(reason="a delta was made for another base.")
        if size > self._limits.blob_bytes:
            raise PackTooLarge(
                reason=f"A {NAMES[kind]} would have {size} bytes; Git files may have {self._limits.blob_bytes}. "
                "Track large files with git lfs."
            )
        self._count(size)
        try:
            made = b"".join(apply_delta(body, delta))
        except (ApplyDeltaError, ValueError, IndexError, AssertionError) as error:
            raise MalformedPack(reason="a delta cannot be applied.") from error
        if len(made) != size:
            raise MalformedPack(reason="a delta makes another size than it says.")
        self._keep(at, kind, made, depth=depth)

    def _inflate(self, at: int, size: int) -> tuple[bytes, int]:
        self._count(size)
        pieces: list[bytes] = []
        end = self._source.inflate(at, size, pieces.append)
        return b"".join(pieces), end

    def _count(self, size: int) -> None:
        self._total_bytes += size
        if self._total_bytes > self._most_bytes:
            raise PackTooLarge(reason=f"The push unpacks to more than {self._most_bytes} bytes.")

    def _header(self, at: int) -> tuple[int, int, int]:
        """Type, size, and where the data begin."""
        head = self._source.read(at, 12, is_short_ok=True)
        if not head:
            raise MalformedPack(reason="it ends before its last object.")
        kind, size, shift = (head[0] >> 4) & 7, head[0] & 15, 4
        used = 1
        while head[used - 1] & 0x80:
            if used == len(head) or shift > 56:
                raise MalformedPack(reason="the size of an object has no end.")
            size |= (head[used] & 0x7F) << shift
            shift += 7
            used += 1
        return kind, size, at + used

    def _distance(self, at: int) -> tuple[int, int]:
        head = self._source.read(at, 10, is_short_ok=True)
        value = -1
        for used, byte in enumerate(head, 1):
            value = ((value + 1) << 7) | (byte & 0x7F)
            if not byte & 0x80:
                return value, at + used
        raise MalformedPack(reason="the distance of a delta has no end.")


class _Source:
    """A pack file read by position, through a window."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()
        size = file.seek(0, 2) - self._start
        self.end = size - _TRAILER  # Where the objects must end.
        self._window, self._window_at = b"", 0

    def verify(self) -> None:
        """Hold the pack against the checksum at its end.

        Raises:
            MalformedPack
        """
        if self.end < 12:
            raise MalformedPack(reason="it is too short.")
        hasher = hashlib.sha1(usedforsecurity=False)
        self._file.seek(self._start)
        left = self.end
        while left:
            data = self._file.read(min(left, 1 << 20))
            hasher.update(data)
            left -= len(data)
        if self._file.read(_TRAILER) != hasher.digest():
            raise MalformedPack(reason="its checksum is wrong.")

    def read(self, at: int, size: int, *, is_short_ok: bool = False) -> bytes:
        """Bytes before the checksum.

        Raises:
            MalformedPack: there are not so many.
        """
        size = min(size, self.end - at) if is_short_ok else size
        if at + size > self.end:
            raise MalformedPack(reason="it ends in the middle of an object.")
        start = at - self._window_at
        if start < 0 or start + size > len(self._window):
            self._file.seek(self._start + at)
            self._window, self._window_at = self._file.read(min(_WINDOW, self.end - at)), at
            start = 0
        return self._window[start : start + size]

    def inflate(self, at: int, size: int, take: Callable[[bytes], None]) -> int:
        """Give exactly `size` bytes of the deflated stream at this place to `take`. Returns where the stream ends.

        Raises:
            MalformedPack: the stream is damaged, or gives more or fewer bytes.
        """
        inflater = zlib.decompressobj()
        left, position, held = size, at, b""
        while True:
            if not held:
                held = self.read(position, _FEED, is_short_ok=True)
                if not held:
                    raise MalformedPack(reason="it ends in the middle of an object.")
                position += len(held)
            try:
                piece = inflater.decompress(held, min(left + 1, 1 << 20))
            except zlib.error as error:
                raise MalformedPack(reason="an object does not inflate.") from error
            left -= len(piece)
            if left < 0:
                raise MalformedPack(reason="an object is longer than it says.")
            held = inflater.unconsumed_tail
            if inflater.eof:
                if left:
                    raise MalformedPack(reason="an object is shorter than it says.")
                take(piece)
                return position - len(inflater.unused_data)
            if piece:
                take(piece)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift <= 56:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
    raise MalformedPack(reason="the head of a delta is damaged.")
