"""The xorb format: up to 8192 chunks, each a header of 8 bytes and its data, stored, LZ4, or byte-grouped and LZ4.

Bodies come from strangers. Nothing is believed before it is checked: lengths have bounds before anything is allocated,
LZ4 may write no more than the header announces, and every chunk is hashed from the bytes that it unpacks to.

Header: version 0; compressed length (3 bytes, little-endian); scheme; raw length (3 bytes).
"""

from collections.abc import Callable
from enum import IntEnum

import lz4.frame
import numpy as np

from models_registry.storage.chunking import MAX_BYTES as MAX_CHUNK_BYTES
from models_registry.storage.exceptions import BodyTooLarge, MalformedXorb
from models_registry.storage.hashing import chunk_hash
from models_registry.storage.reading import Readable, Window
from models_registry.storage.table import ChunkTable

HEADER_BYTES = 8
MAX_CHUNKS = 8192
MAX_RAW_BYTES = 128 * 2**20  # Twice what clients pack: a bound on work, for compressed bodies are much smaller.
MAX_STORED_BYTES = 64 * 2**20 + MAX_CHUNKS * HEADER_BYTES
MAX_FOOTER_BYTES = 512 * 1024
MAX_BODY_BYTES = MAX_STORED_BYTES + MAX_FOOTER_BYTES

_FOOTER_MARK = b"XETBLOB"  # Older clients append a footer. It repeats what the frames say, so it is dropped.
_MAX_FRAME_DATA = MAX_CHUNK_BYTES + 1024  # LZ4 frames of incompressible bytes are a little longer than the bytes.


Bytes = bytes | memoryview


class Scheme(IntEnum):
    """How the data of a chunk are packed."""

    STORED = 0
    LZ4 = 1
    GROUPED_LZ4 = 2  # Bytes sorted by their index modulo 4 first, which gathers the exponents of float32 numbers.


def scan_xorb(stream: Readable, size_bytes: int, write: Callable[[bytes], object]) -> ChunkTable:
    """Read a xorb body, check every chunk of it, and pass its frames, without a footer, to `write`.

    Args:
        size_bytes: the announced length; exactly so many bytes are read.

    Raises:
        MalformedXorb: the body breaks the format.
        BodyTooLarge: more bytes than a xorb may have.
        SizeMismatch: the stream is shorter than announced.
    """
    if size_bytes > MAX_BODY_BYTES:
        raise BodyTooLarge(what="xorb", size_bytes=size_bytes, limit_bytes=MAX_BODY_BYTES)
    window = Window(stream, size_bytes)
    chunks: list[tuple[bytes, int, int]] = []
    stored_bytes = raw_bytes = 0
    while window.left and window.peek(len(_FOOTER_MARK)) != _FOOTER_MARK:
        if len(chunks) == MAX_CHUNKS:
            raise MalformedXorb(reason=f"it has more than {MAX_CHUNKS} chunks")
        header, data = _take_frame(window, index=len(chunks))
        raw = unpack(header, data)
        stored_bytes += HEADER_BYTES + len(data)
        raw_bytes += len(raw)
        if stored_bytes > MAX_STORED_BYTES or raw_bytes > MAX_RAW_BYTES:
            raise MalformedXorb(reason="it unpacks to more than a xorb may hold")
        chunks.append((chunk_hash(raw), HEADER_BYTES + len(data), len(raw)))
        write(header)
        write(data)
    _drop_footer(window)
    if not chunks:
        raise MalformedXorb(reason="it has no chunk")
    return ChunkTable.build(chunks)


def unpack(header: Bytes, data: Bytes) -> Bytes:
    """The raw bytes of one chunk; where they are stored as they are, `data` itself.

    Raises:
        MalformedXorb: they are not what the header announces.
    """
    scheme, raw_bytes = header[4], int.from_bytes(header[5:8], "little")
    raw: Bytes
    if scheme == Scheme.STORED:
        raw = data
    elif scheme == Scheme.LZ4:
        raw = _inflate(data, raw_bytes)
    elif scheme == Scheme.GROUPED_LZ4:
        raw = _ungroup(_inflate(data, raw_bytes))
    else:
        raise MalformedXorb(reason=f"chunk scheme {scheme} is unknown")
    if len(raw) != raw_bytes:
        raise MalformedXorb(reason=f"a chunk has {len(raw)} bytes and announces {raw_bytes}")
    return raw


def unpack_frame(frame: Bytes) -> Bytes:
    """The raw bytes of one frame, header and data, as `scan_xorb` wrote it."""
    if len(frame) <= HEADER_BYTES or frame[0] != 0 or _data_length(frame) != len(frame) - HEADER_BYTES:
        raise MalformedXorb(reason="a frame's header does not fit its data")
    return unpack(frame[:HEADER_BYTES], frame[HEADER_BYTES:])


def pack(raw: bytes, scheme: Scheme) -> bytes:
    """One frame, header and data. Falls back to STORED where packing gains nothing."""
    data = raw
    if scheme == Scheme.LZ4:
        data = lz4.frame.compress(raw, store_size=False)
    elif scheme == Scheme.GROUPED_LZ4:
        data = lz4.frame.compress(_group(raw), store_size=False)
    if len(data) >= len(raw):
        scheme, data = Scheme.STORED, raw
    header = b"\0" + len(data).to_bytes(3, "little") + bytes([scheme]) + len(raw).to_bytes(3, "little")
    return header + data


class Packer:
    """Packs consecutive chunks, choosing the scheme by trying all of them on every sixteenth chunk.

    The neighbours of a chunk are nearly always of its kind (the same tensor), so trying each would triple the work.
    """

    TRY_EVERY = 16
    WORTHWHILE = 0.97  # Unpacking costs time on every read; a smaller gain is not worth it.

    def __init__(self) -> None:
        self._seen = 0
        self._scheme = Scheme.STORED

    def pack(self, raw: bytes) -> bytes:
        if self._seen % self.TRY_EVERY == 0:
            self._scheme = self._best(raw)
        self._seen += 1
        return pack(raw, self._scheme)

    def _best(self, raw: bytes) -> Scheme:
        sizes = {scheme: len(pack(raw, scheme)) for scheme in (Scheme.LZ4, Scheme.GROUPED_LZ4)}
        best = min(sizes, key=lambda scheme: sizes[scheme])
        return best if sizes[best] < self.WORTHWHILE * len(raw) else Scheme.STORED


def _take_frame(window: Window, *, index: int) -> tuple[bytes, bytes]:
    if window.left < HEADER_BYTES:
        raise MalformedXorb(reason=f"it ends within the header of chunk {index}")
    header = window.take(HEADER_BYTES)
    length, raw_bytes = _data_length(header), int.from_bytes(header[5:8], "little")
    if header[0] != 0:
        raise MalformedXorb(reason=f"chunk {index} has version {header[0]}")
    if not 0 < raw_bytes <= MAX_CHUNK_BYTES or not 0 < length <= _MAX_FRAME_DATA:
        raise MalformedXorb(reason=f"chunk {index} announces {raw_bytes} bytes in {length}")
    if window.left < length:
        raise MalformedXorb(reason=f"it ends within chunk {index}")
    return header, window.take(length)


def _data_length(header: Bytes) -> int:
    return int.from_bytes(header[1:4], "little")


def _drop_footer(window: Window) -> None:
    if window.left > MAX_FOOTER_BYTES:
        raise MalformedXorb(reason="its footer is too long")
    while window.left:
        window.take(min(window.left, 65536))


def _inflate(data: Bytes, raw_bytes: int) -> bytes:
    """Unpack one LZ4 frame to at most one byte more than announced, which is then one too many."""
    decompressor = lz4.frame.LZ4FrameDecompressor()
    try:
        raw: bytes = decompressor.decompress(data, max_length=raw_bytes + 1)
    except (RuntimeError, EOFError, ValueError, MemoryError) as error:
        raise MalformedXorb(reason="a chunk is not an LZ4 frame") from error
    if not decompressor.eof or decompressor.unused_data:
        raise MalformedXorb(reason="a chunk's LZ4 frame does not end where the chunk ends")
    return raw


def _group(raw: bytes) -> bytes:
    return b"".join(raw[first::4] for first in range(4))


def _ungroup(grouped: bytes) -> bytes:
    """Undo `_group`: four runs, the first ones longer by one where the length is no multiple of four."""
    size = len(grouped)
    source = np.frombuffer(grouped, dtype=np.uint8)
    raw = np.empty(size, dtype=np.uint8)
    start = 0
    for first in range(4):
        count = (size - first + 3) // 4
        raw[first::4] = source[start : start + count]
        start += count
    return raw.tobytes()
