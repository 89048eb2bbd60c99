"""The outputs of single items behind a receipt: the only place that knows how they are stored.

They are Parquet; what was stored before that is zlib-packed JSON lines, and is read as well. The first bytes tell.
"""

import json
import zlib

from evaluation import engine, item_table
from evaluation.benchmarks.definition import BadDefinition, parse
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.exceptions import ItemsNotFound
from evaluation.models import ItemOutputs, Receipt
from evaluation.scorers.base import Row


def rows_of(receipt: Receipt) -> list[Row]:
    """One row per item, in the order of the items' ids, as its scorer wrote them.

    Raises:
        ItemsNotFound: the receipt has none.
    """
    packed = _packed(receipt)
    if packed.startswith(item_table.MAGIC):
        return item_table.read(packed)
    return _parsed(zlib.decompress(packed))


def lines_of(receipt: Receipt) -> bytes:
    """The rows as JSON lines in canonical form: the very bytes that the receipt names by their hash.

    Raises:
        ItemsNotFound: the receipt has none.
    """
    packed = _packed(receipt)
    if packed.startswith(item_table.MAGIC):
        return engine.rows_as_jsonl(item_table.read(packed))
    return zlib.decompress(packed)


def table_of(receipt: Receipt) -> bytes:
    """The rows as a Parquet file.

    Raises:
        ItemsNotFound: the receipt has none.
    """
    packed = _packed(receipt)
    if packed.startswith(item_table.MAGIC):
        return packed
    lines = zlib.decompress(packed)
    return item_table.write(_parsed(lines), _declared(receipt), rows_sha256=receipt.items.sha256)


def store(receipt: Receipt, *, lines: bytes, sha256: str, count: int) -> ItemOutputs:
    """Keep the rows of a receipt, given as JSON lines in canonical form with their hash. Part of the caller's
    transaction.
    """
    table = item_table.write(_parsed(lines), _declared(receipt), rows_sha256=sha256)
    return store_table(receipt, table=table, rows_sha256=sha256, count=count)


def store_table(receipt: Receipt, *, table: bytes, rows_sha256: str, count: int) -> ItemOutputs:
    """Keep the very Parquet file that a receipt names. Part of the caller's transaction."""
    return ItemOutputs.objects.create(receipt=receipt, sha256=rows_sha256, packed=table, count=count)


def _parsed(lines: bytes) -> list[Row]:
    # Only line feeds end a line: texts may hold other separators, which `splitlines` would take for ends.
    return [json.loads(line) for line in lines.split(b"\n") if line]


def _declared(receipt: Receipt) -> Declared | None:
    """What the rows were measured by; None where that is no benchmark, or its declaration is of older rules."""
    benchmark = receipt.of_run.benchmark
    try:
        return None if benchmark is None else parse(benchmark.definition)
    except BadDefinition:
        return None


def _packed(receipt: Receipt) -> bytes:
    found = ItemOutputs.objects.filter(receipt=receipt).first()
    if found is None:
        raise ItemsNotFound(sha256=receipt.sha256)
    return bytes(found.packed)
