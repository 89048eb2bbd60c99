"""Where the chunks of a file lie, for clients that fetch and unpack them themselves."""

from collections import defaultdict
from dataclasses import dataclass

from models_registry.models import Repository, RepositoryContent
from models_registry.services.content.xorbs import Shelf
from models_registry.storage.digests import XetHash
from models_registry.storage.exceptions import ContentNotFound
from models_registry.storage.terms import Term, unpack_terms


@dataclass(frozen=True)
class Fetch:
    """A run of stored bytes of one xorb. Ends are exclusive, also that of the bytes."""

    first_chunk: int
    stop_chunk: int
    first_byte: int
    stop_byte: int


@dataclass(frozen=True)
class Reconstruction:
    """Terms in order, what to fetch for them by xorb, and how many bytes of the first term to skip."""

    link: RepositoryContent
    skip_bytes: int
    terms: list[Term]
    fetches: dict[XetHash, list[Fetch]]


def find_file(*, repository: Repository, file_hash: str) -> RepositoryContent:
    """The file of this hash that this repository holds.

    Raises:
        ContentNotFound: it holds none.
        BadDigest: this is no hash.
    """
    rows = RepositoryContent.objects.filter(repository=repository, xet_hash=XetHash(file_hash))
    found = rows.select_related("content").first()
    if found is None:
        raise ContentNotFound(hash=file_hash)
    return found


def reconstruct(link: RepositoryContent, *, start: int = 0, stop: int | None = None) -> Reconstruction:
    """How to put together bytes `start` to `stop` of a file."""
    size_bytes = link.content.size_bytes
    stop = size_bytes if stop is None else min(stop, size_bytes)
    shelf = Shelf()
    skip_bytes, terms = _touched(unpack_terms(link.terms), start, stop, shelf)
    return Reconstruction(link, skip_bytes, terms, _fetches(terms, shelf))


def _touched(terms: list[Term], start: int, stop: int, shelf: Shelf) -> tuple[int, list[Term]]:
    """The terms that hold bytes `start` to `stop`, cut to whole chunks, and the bytes before `start` in the first."""
    touched: list[Term] = []
    offset = skip_bytes = 0
    for term in terms:
        first, last = max(start - offset, 0), min(stop - offset, term.raw_bytes)
        if first < last:
            _, table = shelf.get(term.xorb)
            base = table.raw_offset(term.start)
            index, end = table.index_at_raw(base + first), table.index_at_raw(base + last - 1) + 1
            if not touched:
                skip_bytes = base + first - table.raw_offset(index)
            touched.append(Term(term.xorb, index, end, table.raw_length(index, end)))
        offset += term.raw_bytes
    return skip_bytes, touched


def _fetches(terms: list[Term], shelf: Shelf) -> dict[XetHash, list[Fetch]]:
    """One fetch for each run of chunks. Runs that meet are made one; a gap is never fetched: it may be another's."""
    runs: dict[XetHash, list[tuple[int, int]]] = defaultdict(list)
    for term in terms:
        runs[term.xorb].append((term.start, term.stop))
    fetches: dict[XetHash, list[Fetch]] = {}
    for digest, ranges in runs.items():
        _, table = shelf.get(digest)
        fetches[digest] = [
            Fetch(first, stop, table.stored_offset(first), table.stored_offset(stop)) for first, stop in _merged(ranges)
        ]
    return fetches


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, stop in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((first, stop))
    return merged
