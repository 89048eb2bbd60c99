"""Outputs by item as a Parquet table, and back. Pure.

Five columns, the same for every scorer: `id`, `value` (what the item adds to the main metric, higher being better),
`correct` (null where an item is not simply right or wrong), `prediction` (what to show), and `row`: all else that the
scorer wrote, as JSON. From `id` and `row` the canonical JSON lines come back to the byte, and with them the hash that
makes two runs comparable: the bytes of a Parquet file depend on the library that wrote it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluation.benchmarks.definition import Benchmark
from evaluation.scorers import SCORERS, Row

MAGIC = b"PAR1"
FORMAT_VERSION = "1"
_RIGHT_OR_WRONG = ("accuracy", "exact_match", "em", "recall_at", "pass")
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("correct", pa.bool_()),
        pa.field("prediction", pa.string(), nullable=False),
        pa.field("row", pa.string(), nullable=False),
    ]
)


def write(rows: Sequence[Row], benchmark: Benchmark | None, *, rows_sha256: str) -> bytes:
    """The table of rows; without a benchmark, values and predictions stay empty."""
    facts = [_facts(row, benchmark) for row in rows]
    columns = {
        "id": [str(row["id"]) for row in rows],
        "value": [value for value, _ in facts],
        "correct": [value == 1.0 if value in (0.0, 1.0) and is_verdict(benchmark) else None for value, _ in facts],
        "prediction": [prediction for _, prediction in facts],
        "row": [_canonical({name: item for name, item in row.items() if name != "id"}) for row in rows],
    }
    notes = {"smallhub.format": FORMAT_VERSION, "smallhub.rows_sha256": rows_sha256}
    if benchmark is not None:
        notes |= {"smallhub.benchmark": f"{benchmark.id} v{benchmark.version}", "smallhub.scorer": benchmark.scorer}
    table = pa.table(columns, schema=_SCHEMA.with_metadata(notes))
    target = io.BytesIO()
    pq.write_table(table, target, compression="zstd")
    return target.getvalue()


def read(body: bytes) -> list[Row]:
    """The rows of a table that `write` made."""
    table = pq.read_table(pa.BufferReader(body), columns=["id", "row"])
    return list(_rows(table))


def is_verdict(benchmark: Benchmark | None) -> bool:
    """Whether items are right or wrong under this benchmark, rather than quantities that may happen to be 0 or 1."""
    return benchmark is not None and benchmark.main_metric.startswith(_RIGHT_OR_WRONG)


def _rows(table: Any) -> Iterator[Row]:
    for name, rest in zip(table.column("id").to_pylist(), table.column("row").to_pylist(), strict=True):
        yield {"id": name, **json.loads(rest)}


def _facts(row: Row, benchmark: Benchmark | None) -> tuple[float | None, str]:
    if benchmark is None:
        return None, ""
    scorer = SCORERS[benchmark.scorer]
    try:
        return scorer.item_value(benchmark, row), scorer.prediction(row)
    except KeyError:  # Rows of an older version of the scorer lack what a later one adds.
        return None, ""


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
