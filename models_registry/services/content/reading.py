"""Content as bytes again. Every chunk is hashed after it was unpacked and before a byte of it leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from models_registry.models import Content, Xorb
from models_registry.services.content.xorbs import Shelf
from models_registry.storage.blobs import BlobStore, blob_store
from models_registry.storage.cache import whole_file_cache
from models_registry.storage.digests import BlobDigest, Sha256
from models_registry.storage.exceptions import CorruptContent, MalformedXorb
from models_registry.storage.hashing import chunk_hash
from models_registry.storage.table import ChunkTable
from models_registry.storage.terms import Term, unpack_terms
from models_registry.storage.xorb import Bytes, unpack_frame

_RUN_BYTES = 512 * 1024  # Read and unpacked at a time: large enough to be quick, small enough for many readers.


def read(content: Content, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The bytes from `start` up to but not including `stop`, in pieces of about half a megabyte.

    Raises:
        CorruptContent: stored bytes are gone or do not match their hash. What was given before is right.
    """
    stop = content.size_bytes if stop is None else min(stop, content.size_bytes)
    return read_terms(unpack_terms(content.terms), start, stop, name=content.sha256)


def read_terms(terms: list[Term], start: int, stop: int, *, name: str) -> Iterator[bytes]:
    """The same for terms that have no row yet. `name` is what an error calls the file."""
    shelf, store = Shelf(), blob_store()
    offset = 0
    for term in terms:
        first, last = max(start - offset, 0), min(stop - offset, term.raw_bytes)
        if first < last:
            yield from _read_term(term, first, last, shelf=shelf, store=store, name=name)
        offset += term.raw_bytes


def read_stored(xorb: Xorb, start: int, stop: int) -> Iterator[bytes]:
    """Bytes of a xorb as they lie in the store, for clients that unpack chunks themselves; each chunk is checked first.

    Raises:
        CorruptContent: stored bytes are gone or do not match their hash. What was given before is right.
    """
    table = ChunkTable.from_bytes(xorb.chunk_table)
    index, end = table.index_at_stored(start), table.index_at_stored(stop - 1) + 1
    with blob_store().open(BlobDigest(xorb.blob)) as blob:
        while index < end:
            until = _run_end(table, index, end)
            run_start, run_stop = table.stored_offset(index), table.stored_offset(until)
            packed = _packed(blob, run_start, run_stop)
            for _ in _checked(packed, table, index, until, name=xorb.hash):
                continue
            yield bytes(packed[max(start - run_start, 0) : min(stop, run_stop) - run_start])
            index = until


def cached_path(content: Content) -> Path | None:
    """A whole copy that may be sent as it is, if there is one. It stays there for half a minute at least."""
    return whole_file_cache().find(Sha256(content.sha256), size_bytes=content.size_bytes)


def materialise(content: Content) -> Path:
    """A whole copy of the content, made now if need be; read-only. Its SHA-256 was checked when it was written.

    Whoever needs it for longer than half a minute opens it or links to it: the cache has a limit.

    Raises:
        CorruptContent: stored bytes are damaged.
    """
    digest = Sha256(content.sha256)
    cache = whole_file_cache()
    found = cache.find(digest, size_bytes=content.size_bytes)
    return found or cache.fill(digest, read(content), size_bytes=content.size_bytes)


def _read_term(term: Term, first: int, last: int, *, shelf: Shelf, store: BlobStore, name: str) -> Iterator[bytes]:
    """Raw bytes `first` to `last` of one term, counted from the term's start."""
    xorb, table = shelf.get(term.xorb)
    base = table.raw_offset(term.start)
    index, end = table.index_at_raw(base + first), table.index_at_raw(base + last - 1) + 1
    if not term.start <= index < end <= term.stop:
        raise CorruptContent(hash=name)
    with store.open(BlobDigest(xorb.blob)) as blob:
        while index < end:
            until = _run_end(table, index, end)
            packed = _packed(blob, table.stored_offset(index), table.stored_offset(until))
            raw = b"".join(_checked(packed, table, index, until, name=name))
            run_start = table.raw_offset(index) - base
            skipped, end_of_run = max(first - run_start, 0), last - run_start
            yield raw[skipped:end_of_run] if skipped or end_of_run < len(raw) else raw
            index = until


def _run_end(table: ChunkTable, index: int, end: int) -> int:
    """As many chunks as make up a run, at least one."""
    until = index + 1
    while until < end and table.raw_length(index, until + 1) <= _RUN_BYTES:
        until += 1
    return until


def _packed(blob: BinaryIO, start: int, stop: int) -> memoryview:
    blob.seek(start)
    return memoryview(blob.read(stop - start))  # A view, for copies would halve the speed.


def _checked(packed: memoryview, table: ChunkTable, index: int, until: int, *, name: str) -> Iterator[Bytes]:
    """The chunks `index` to `until`, unpacked and hashed."""
    start = table.stored_offset(index)
    for each in range(index, until):
        frame = packed[table.stored_offset(each) - start : table.stored_offset(each + 1) - start]
        try:
            raw = unpack_frame(frame)
        except MalformedXorb as error:
            raise CorruptContent(hash=name) from error
        if chunk_hash(raw) != table.hash_at(each):
            raise CorruptContent(hash=name)
        yield raw
