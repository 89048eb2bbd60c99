"""Tables of data sets, page by page: text formats by our own readers, Parquet behind the walls of the sandbox."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from django.core import signing
from django.core.cache import cache

from evaluation import sandbox
from evaluation.exceptions import NoSuchSplit, TableBusy, TableNotReady, TableUnreadable
from evaluation.sandbox.replies import TableRows
from hub.core.pagination import BadCursor
from models_registry.formats import columns as table_columns
from models_registry.formats import tables
from models_registry.formats.columns import Column
from models_registry.formats.splits import BadSplits, Config, Split, configs_of
from models_registry.formats.tables import Place, Row, Source
from models_registry.manifests import listing_of
from models_registry.models import Commit, Content, GitObject, Repository
from models_registry.services import content
from models_registry.services.heads import card_of
from models_registry.types import Entry, Listing

PAGE_ROWS = 50
MOST_ROWS = 100
MAX_QUERY = 200
SAMPLE_ROWS = 200
SEARCH_S = 6.0
_AT_ONCE_BYTES = 64 * 2**20  # A larger Parquet file is put together by a worker while the page waits.
_MAX_PARQUET_BYTES = 4 * 2**30
_LIMITS = sandbox.Limits(memory_bytes=2 * 2**30, cpu_s=40, wall_s=40.0, call_s=15.0, load_s=20.0, compute_threads=1)
_MOST_WHOLE_BYTES, _WHOLE_ROWS = 512 * 2**20, 512
_WHOLE_LIMITS = replace(_LIMITS, cpu_s=120, wall_s=180.0)
_AT_A_TIME = threading.BoundedSemaphore(2)  # Children of one web process.
_WAIT_S = 10.0
_KEEP_S = 600
_SALT = "table-place"


@dataclass(frozen=True)
class Table:
    """One split of one configuration, found and readable."""

    repository: Repository
    config: Config
    split: Split
    entries: tuple[Entry, ...]
    labels: Mapping[str, tuple[str, ...]]

    @property
    def size_bytes(self) -> int:
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True)
class TablePage:
    """Rows with the columns they have. `next_cursor` is None at the end; `total` is known for Parquet only."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    next_cursor: str | None
    scanned: int
    fault: str = ""
    total: int | None = None


def configurations(repository: Repository, commit: Commit) -> tuple[Config, ...]:
    """The configurations of a data set at one commit.

    Raises:
        TableUnreadable: the card's list of them breaks its rules.
    """
    try:
        return configs_of(listing_of(commit).files, card_of(repository, commit).data)
    except BadSplits as error:
        raise TableUnreadable(reason=str(error)) from error


def open_table(*, repository: Repository, commit: Commit, config: str = "", split: str = "") -> Table:
    """Find a split; without names the default configuration and its first split.

    Raises:
        NoSuchSplit: there is none of that name, or nothing to show at all.
        TableUnreadable: its files are of no format that is shown, or the card breaks its rules.
    """
    found = configurations(repository, commit)
    chosen = _named_config(found, config)
    part = None
    if chosen is not None:
        part = chosen.split(split) if split else next(iter(chosen.splits), None)
    if chosen is None or part is None:
        raise NoSuchSplit(config=config[:100] or "default", split=split[:100] or "train")
    if not chosen.format:
        raise TableUnreadable(reason="Its files are neither CSV, JSON, Parquet nor text.")
    listing: Listing = listing_of(commit)
    held = [path for path in part.files if path in commit.held]
    if held:
        raise TableUnreadable(reason=f"{held[0]} is held back by the scan.")
    labels = table_columns.labels_of(card_of(repository, commit).data, chosen.name)
    return Table(repository, chosen, part, tuple(listing.files[path] for path in part.files), labels)


def read_table(table: Table, *, cursor: str = "", limit: int = PAGE_ROWS, query: str = "") -> TablePage:
    """One page of rows, from the start or from where a page before ended; with `query` only rows that hold it.

    Raises:
        BadCursor: the cursor belongs to another split or was not made here.
        TableUnreadable, TableNotReady, TableBusy: Parquet cannot be read here, is being prepared, or must wait.
    """
    place = _place_of(table, cursor)
    limit = min(max(limit, 1), MOST_ROWS)
    query = query.strip()[:MAX_QUERY]
    if table.config.format == "parquet":
        return _parquet_page(table, place, limit=limit, query=query)
    sources = [source_of(table.repository, entry, table.config) for entry in table.entries]
    page = tables.read_page(sources, place, limit=limit, query=query)
    sample = page.rows or tables.read_page(sources, Place(), limit=limit).rows
    columns = _text_columns(table, sources, sample)
    return TablePage(columns, page.rows, _cursor(table, page.next), page.scanned, page.fault)


def rows_of_sources(sources: list[Source]) -> Iterator[Mapping[str, Any]]:
    """All rows of files of text, from the first to the last, a page of them in memory at a time.

    Raises:
        TableUnreadable: a row breaks the format's rules.
    """
    place: Place | None = Place()
    while place is not None:
        page = tables.read_page(sources, place, limit=MOST_ROWS)
        yield from (row.values for row in page.rows)
        if page.fault:
            raise TableUnreadable(reason=page.fault)
        place = page.next


def parquet_rows(repository: Repository, entry: Entry) -> Iterator[Mapping[str, Any]]:
    """All rows of one Parquet file, read behind the walls, a page of them in memory at a time. For workers.

    Raises:
        TableUnreadable: it is too large, or cannot be read.
    """
    if entry.size > _MOST_WHOLE_BYTES:
        raise TableUnreadable(reason=f"{entry.path} is too large to be read whole.")
    with _whole_file(repository, entry, wait=True) as file:
        try:
            with sandbox.open_table(file.fileno(), limits=_WHOLE_LIMITS) as session:
                session.load()
                start: int | None = 0
                while start is not None:
                    found: TableRows = session.call("rows", start=start, limit=_WHOLE_ROWS, query="", seconds=SEARCH_S)
                    yield from (values for _, values in found.rows)
                    if found.next is not None and found.next <= start:
                        raise TableUnreadable(reason=f"{entry.path} does not come to its end.")
                    start = found.next
        except sandbox.SandboxError as error:
            raise TableUnreadable(reason=f"{entry.path}: {error}"[:400]) from error


def _named_config(configs: tuple[Config, ...], name: str) -> Config | None:
    if name:
        return next((config for config in configs if config.name == name), None)
    return next((config for config in configs if config.is_default), next(iter(configs), None))


def _text_columns(table: Table, sources: list[Source], rows: tuple[Row, ...]) -> tuple[Column, ...]:
    """Columns from the first rows of the split, so that a column keeps its kind from page to page."""
    key = f"table-columns-{_identity(table)}"
    known: tuple[Column, ...] | None = cache.get(key)
    if known is None:
        first = tables.read_page(sources, Place(), limit=SAMPLE_ROWS, budget_bytes=2 * 2**20).rows
        written = table.config.format == "csv"
        known = table_columns.columns_of((row.values for row in first), labels=table.labels, as_written=written)
        cache.set(key, known, _KEEP_S)
    names = {column.name for column in known}
    extra = [{name: value for name, value in row.values.items() if name not in names} for row in rows]
    return known + table_columns.columns_of(extra, labels=table.labels)


def source_of(repository: Repository, entry: Entry, config: Config) -> Source:
    """A file of text as the readers take it."""

    def open_at(offset: int) -> Iterator[bytes]:
        if entry.is_large:
            return content.read(Content.objects.get(sha256=entry.sha256), offset)
        return iter([_small(repository, entry)[offset:]])

    return Source(entry.path, entry.size, config.format, open_at, config.options)


def _small(repository: Repository, entry: Entry) -> bytes:
    return bytes(GitObject.objects.values_list("body", flat=True).get(repository=repository, oid=entry.oid))


def _parquet_page(table: Table, place: Place, *, limit: int, query: str) -> TablePage:
    """Rows of one file of the split; a page never spans two, so that each costs one start of the sandbox."""
    if place.file >= len(table.entries):
        raise BadCursor
    entry = table.entries[place.file]
    key = f"table-page-{entry.sha256}-{place.offset}-{limit}-{hashlib.sha256(query.encode()).hexdigest()[:16]}"
    known: tuple[dict[str, Any], TableRows] | None = cache.get(key)
    described, found = known or _read_parquet(table, entry, place.offset, limit=limit, query=query)
    if known is None:
        cache.set(key, (described, found), _KEEP_S)
    first = place.row - place.offset
    rows = tuple(Row(first + number, values) for number, values in found.rows)
    following = None
    if found.next is not None:
        following = Place(place.file, found.next, first + found.next)
    elif place.file + 1 < len(table.entries):
        following = Place(place.file + 1, 0, first + int(described["rows"]))
    return TablePage(
        columns=_parquet_columns(table, described, rows),
        rows=rows,
        next_cursor=_cursor(table, following),
        scanned=found.scanned,
        total=int(described["rows"]) if len(table.entries) == 1 else None,
    )


def _parquet_columns(table: Table, described: Mapping[str, Any], rows: tuple[Row, ...]) -> tuple[Column, ...]:
    own = {name: tuple(names) for name, names in described.get("labels", {}).items()}
    seen = {
        column.name: column
        for column in table_columns.columns_of((row.values for row in rows), labels=dict(table.labels) | own)
    }
    names = [str(column["name"]) for column in described["columns"]]
    return tuple(seen.get(name, Column(name, table_columns.Kind.EMPTY)) for name in names)


def _read_parquet(
    table: Table, entry: Entry, start: int, *, limit: int, query: str
) -> tuple[dict[str, Any], TableRows]:
    with _whole_file(table.repository, entry) as file, _one_of_few():
        try:
            with sandbox.open_table(file.fileno(), limits=_LIMITS) as session:
                described = session.load()["description"]
                found: TableRows = session.call("rows", start=start, limit=limit, query=query, seconds=SEARCH_S)
        except sandbox.SandboxUnavailable as error:
            raise TableUnreadable(reason="This server cannot open Parquet files safely.") from error
        except sandbox.SandboxError as error:
            raise TableUnreadable(reason=f"{entry.path}: {error}"[:400]) from error
    return described, found


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _AT_A_TIME.acquire(timeout=_WAIT_S):
        raise TableBusy
    try:
        yield
    finally:
        _AT_A_TIME.release()


@contextmanager
def _whole_file(repository: Repository, entry: Entry, *, wait: bool = False) -> Iterator[BinaryIO]:
    """The whole file, open. A large one that nobody has put together yet is asked for, and read at a later try; or
    put together here, for who can `wait`.

    Raises:
        TableNotReady, TableUnreadable
    """
    if not entry.is_large:
        with tempfile.TemporaryFile() as file:
            file.write(_small(repository, entry))
            file.flush()
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            yield file
        return
    if entry.size > _MAX_PARQUET_BYTES:
        raise TableUnreadable(
            reason=f"{entry.path} is larger than {_MAX_PARQUET_BYTES >> 30} GiB. Download it instead."
        )
    stored = Content.objects.get(sha256=entry.sha256)
    path = content.cached_path(stored)
    if path is None and entry.size > _AT_ONCE_BYTES and not wait:
        content.ask_for_copy(stored)  # Without a queue the next try asks again.
        raise TableNotReady(path=entry.path)
    with open(path or content.materialise(stored), "rb") as file:
        yield file


def _identity(table: Table) -> str:
    """What a cursor of this split is bound to: the very bytes of its files."""
    parts = [table.config.name, table.split.name, *(entry.oid for entry in table.entries)]
    return signing.Signer(salt=_SALT).signature("\n".join(parts))


def _cursor(table: Table, place: Place | None) -> str | None:
    if place is None:
        return None
    return signing.dumps([_identity(table), place.file, place.offset, place.row], salt=_SALT)


def _place_of(table: Table, cursor: str) -> Place:
    if not cursor:
        return Place()
    try:
        identity, file, offset, row = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursor from error
    if identity != _identity(table):
        raise BadCursor
    return Place(file, offset, row)
