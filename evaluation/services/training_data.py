"""The texts of a data set that a model's card declares as its training data, read to the end or as far as it goes.

Formats of text by our own readers, Parquet behind the walls, gzip unpacked to a file of limited size. Whatever looks
like a table and was not read is named.
"""

import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from evaluation.exceptions import NoSuchSplit, TableUnreadable
from evaluation.services import tables
from models_registry.formats.splits import BadSplits, Config, configs_of
from models_registry.formats.tables import Source
from models_registry.manifests import listing_of
from models_registry.models import Repository
from models_registry.services.heads import card_of
from models_registry.services.revisions import find_commit
from models_registry.types import Entry

MOST_UNPACKED_BYTES = 128 * 2**20
MOST_NAMED = 20
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".txt", ".arrow", ".feather")
_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".tar", ".tgz")
_NOT_TRAINING = frozenset({"test", "validation", "dev", "eval"})
_BESIDE = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "config.json", "state.json"})
_BLOCK_BYTES = 1 << 18


@dataclass
class Reading:
    """One data set as it is read: files that were, and those that look like training data and were not."""

    source: Repository
    read: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def rows_of(reading: Reading) -> Iterator[Mapping[str, Any]]:
    """The rows of all train splits; of a data set with one configuration and no train split, of its first split."""
    source = reading.source
    commit = find_commit(source, None)
    files = listing_of(commit).files
    # A packed file is what it holds: the rules of splits go by its name without the ending.
    plain = {path.removesuffix(".gz"): path for path in sorted(files, reverse=True) if path.endswith(".gz")}
    plain |= {path: path for path in files if not path.endswith(".gz")}
    try:
        configs = configs_of(plain, card_of(source, commit).data)
    except BadSplits:
        configs = ()
    wanted = _training_files(configs)
    spared = _spared(configs, plain, wanted)
    for path, config in wanted.items():
        real = plain[path]
        try:
            if real in commit.held:
                raise TableUnreadable(reason="It is held back by the scan.")
            yield from _rows(source, replace(files[real], path=real), config)
            reading.read.append(real)
        except (TableUnreadable, NoSuchSplit):
            reading.unread.append(real)
    known = {*reading.read, *reading.unread}
    reading.unread += [path for path in sorted(files) if path not in known | spared and _looks_like_data(path)]


def _training_files(configs: tuple[Config, ...]) -> dict[str, Config]:
    found: dict[str, Config] = {}
    for config in configs:
        split = config.split("train") or (next(iter(config.splits), None) if len(configs) == 1 else None)
        for path in split.files if split is not None and config.format else ():
            found.setdefault(path, config)
    return found


def _spared(configs: tuple[Config, ...], plain: Mapping[str, str], wanted: Mapping[str, Config]) -> set[str]:
    """What is declared as something else than training data."""
    splits = [split for config in configs for split in config.splits if split.name in _NOT_TRAINING]
    return {plain[path] for split in splits for path in split.files if path not in wanted}


def _looks_like_data(path: str) -> bool:
    name = PurePosixPath(path)
    if name.name in _BESIDE or name.name.startswith((".", "LICENSE", "LICENCE", "README")):
        return False
    if name.suffix in _PACKED:
        return True
    words = set(name.stem.lower().replace("_", "-").replace(".", "-").split("-"))
    return name.suffix in _TABLES and not words & _NOT_TRAINING


def _rows(source: Repository, entry: Entry, config: Config) -> Iterator[Mapping[str, Any]]:
    """The rows of one file.

    Raises:
        TableUnreadable
    """
    if config.format == "parquet":
        if entry.path.endswith(".gz"):
            raise TableUnreadable(reason="Parquet is packed by itself; a packed one is not read.")
        yield from tables.parquet_rows(source, entry)
        return
    if not entry.path.endswith(".gz"):
        yield from tables.rows_of_sources([tables.source_of(source, entry, config)])
        return
    with _unpacked(tables.source_of(source, entry, config)) as (file, size):

        def open_at(offset: int) -> Iterator[bytes]:
            file.seek(offset)
            return iter(lambda: file.read(_BLOCK_BYTES), b"")

        yield from tables.rows_of_sources([Source(entry.path, size, config.format, open_at, config.options)])


@contextmanager
def _unpacked(source: Source) -> Iterator[tuple[BinaryIO, int]]:
    """What a gzip file holds, in a file of limited size without a name.

    Raises:
        TableUnreadable: it is none, is cut short, or holds more than is unpacked here.
    """
    with tempfile.TemporaryFile() as file:
        size = 0
        try:
            for piece in _pieces(source.open_at(0)):
                size += len(piece)
                if size > MOST_UNPACKED_BYTES:
                    raise TableUnreadable(reason=f"{source.path} holds more than is unpacked here.")
                file.write(piece)
        except (zlib.error, EOFError) as error:
            raise TableUnreadable(reason=f"{source.path} is no whole gzip file.") from error
        yield file, size


def _pieces(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip members, one behind the other, hold; never much of it at once.

    Raises:
        zlib.error, EOFError
    """
    unpacker = zlib.decompressobj(wbits=31)
    for block in blocks:
        while block:
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=31)
            yield unpacker.decompress(block, _BLOCK_BYTES)
            block = (unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail) or b""
    while not unpacker.eof and (piece := unpacker.decompress(b"", _BLOCK_BYTES)):
        yield piece
    if not unpacker.eof:
        raise EOFError


def named(paths: list[str]) -> list[str]:
    """The first of many paths, and how many more there are."""
    more = len(paths) - MOST_NAMED
    return paths[:MOST_NAMED] + ([f"+{more}"] if more > 0 else [])
