"""Tables of data sets: pages that end nowhere but at the end, Parquet through the walls, faults told in words."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.cache import cache

from evaluation import sandbox
from evaluation.exceptions import NoSuchSplit, TableNotReady, TableUnreadable
from evaluation.services import tables
from evaluation.services.tables import configurations, open_table, read_table
from hub.core.pagination import BadCursor
from models_registry.formats.columns import Kind
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.tasks import materialise_content
from models_registry.types import AddLarge
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_pages_of_others():
    cache.clear()


@pytest.fixture(params=["bubblewrap", "namespaces"])
def plan(request, monkeypatch):
    """Each way to build walls that works here."""
    chosen = sandbox.Plan(request.param)
    if not any(wall.plan == chosen and wall.works for wall in sandbox.probe().walls):
        pytest.skip(f"{chosen} does not work on this machine")
    opened = sandbox.open_table
    monkeypatch.setattr(sandbox, "open_table", lambda *args, **kwargs: opened(*args, **kwargs, plan=chosen))
    return chosen


def dataset(files, **kwargs):
    repository = RepositoryFactory(dataset=True, **kwargs)
    head = put(repository, files)
    repository.refresh_from_db()
    return repository, head


def parquet(table: pa.Table, **kwargs) -> bytes:
    body = io.BytesIO()
    pq.write_table(table, body, **kwargs)
    return body.getvalue()


def large(repository, path: str, body: bytes):
    """Commit a file as large content, as every client sends Parquet."""
    user = repository.creator
    found = content.ingest(repository=repository, user=user, stream=io.BytesIO(body), size_bytes=len(body))
    operation = AddLarge(path, found.sha256, len(body))
    return commit(repository=repository, user=user, branch="main", title="Large", operations=[operation])


def walk(table, **kwargs):
    """All rows of a split, page by page."""
    rows, cursor = [], ""
    while True:
        page = read_table(table, cursor=cursor, **kwargs)
        rows += page.rows
        if page.next_cursor is None:
            return rows
        cursor = page.next_cursor


CARD = """---
configs:
- config_name: reviews
  data_files:
  - split: train
    path: train.jsonl
  - split: test
    path: "te*.jsonl"
dataset_info:
  config_name: reviews
  features:
  - name: label
    dtype:
      class_label:
        names:
          '0': bad
          '1': good
---
"""


def test_splits_come_from_the_card_and_labels_get_their_names():
    lines = "".join(f'{{"text": "t{number}", "label": {number % 2}}}\n' for number in range(7))
    repository, head = dataset({"README.md": CARD, "train.jsonl": lines, "test.jsonl": lines})

    [config] = configurations(repository, head)
    page = read_table(open_table(repository=repository, commit=head))

    assert [split.name for split in config.splits] == ["train", "test"]
    assert [column.kind for column in page.columns] == [Kind.TEXT, Kind.LABEL]
    assert page.columns[1].label_of(page.rows[1].values["label"]) == "good"
    assert [row.values["text"] for row in walk(open_table(repository=repository, commit=head), limit=3)] == [
        f"t{number}" for number in range(7)
    ]


def test_a_cursor_of_another_split_or_another_state_is_refused():
    repository, head = dataset({"train.jsonl": '{"a": 1}\n' * 5, "test.jsonl": '{"a": 1}\n' * 5})
    cursor = read_table(open_table(repository=repository, commit=head, split="train"), limit=2).next_cursor
    changed = put(repository, {"train.jsonl": '{"b": 1}\n' * 5})

    for other in (
        open_table(repository=repository, commit=head, split="test"),
        open_table(repository=repository, commit=changed, split="train"),
    ):
        with pytest.raises(BadCursor):
            read_table(other, cursor=cursor)
    with pytest.raises(BadCursor):
        read_table(open_table(repository=repository, commit=head, split="train"), cursor="forged")


def test_names_that_are_not_there_are_refused():
    repository, head = dataset({"train.jsonl": '{"a": 1}\n'})

    for names in ({"config": "other"}, {"split": "test"}):
        with pytest.raises(NoSuchSplit):
            open_table(repository=repository, commit=head, **names)
    bad = put(repository, {"README.md": "---\nconfigs: all\n---\n"})
    with pytest.raises(TableUnreadable):
        open_table(repository=repository, commit=bad)


def test_large_text_is_read_from_the_chunk_store():
    repository, _ = dataset({"a.txt": "x"})
    body = "".join(f"line {number}\n" for number in range(30_000)).encode()
    head = large(repository, "data/train-00000-of-00001.txt", body)
    table = open_table(repository=repository, commit=head)

    assert [row.number for row in walk(table, query="line 29999")] == [29_999]
    assert read_table(table).rows[0].values == {"text": "line 0"}


def test_parquet_is_read_page_by_page_behind_the_walls(plan):
    repository, _ = dataset({"a.bin": b"x"})
    whole = pa.table(
        {
            "id": pa.array(range(1000), pa.int64()),
            "text": [f"row {number} Straße" for number in range(1000)],
            "score": pa.array(np.linspace(0, 1, 1000), pa.float32()),
            "tags": [["a", "b"]] * 1000,
            "image": [b"123"] * 1000,
            "when": pa.array([0] * 1000, pa.timestamp("ms")),
        }
    )
    features = b'{"info": {"features": {"id": {"_type": "ClassLabel", "names": ["zero", "one"]}}}}'
    whole = whole.replace_schema_metadata({b"huggingface": features})
    head = large(repository, "train.parquet", parquet(whole, row_group_size=100))
    table = open_table(repository=repository, commit=head)

    page = read_table(table, limit=30)
    later = read_table(table, limit=30, cursor=page.next_cursor)
    hits = walk(table, query="ROW 99")

    assert page.total == 1000
    kinds = {column.name: column.kind for column in page.columns}
    assert (kinds["id"], kinds["tags"], kinds["image"], kinds["when"]) == (Kind.LABEL, Kind.LIST, Kind.BYTES, Kind.DATE)
    assert page.columns[0].label_of(1) == "one"
    assert [row.number for row in later.rows] == list(range(30, 60))
    assert later.rows[0].values["image"] == {"bytes": 3}
    assert [row.number for row in hits] == [99, *range(990, 1000)]


def test_shards_of_parquet_are_one_split_with_running_numbers():
    repository, _ = dataset({"a.bin": b"x"})
    for shard in range(2):
        body = parquet(pa.table({"n": [shard * 3 + each for each in range(3)]}))
        head = large(repository, f"data/train-0000{shard}-of-00002.parquet", body)

    rows = walk(open_table(repository=repository, commit=head), limit=2)

    assert [(row.number, row.values["n"]) for row in rows] == [(number, number) for number in range(6)]


@pytest.mark.parametrize("body", [b"PAR1 but not really" * 9 + b"PAR1", b"", b"PAR1" + b"\xff" * 200 + b"PAR1"])
def test_what_is_no_parquet_is_told_and_ends_nothing(body):
    repository, _ = dataset({"a.bin": b"x"})
    head = large(repository, "train.parquet", body)

    with pytest.raises(TableUnreadable, match=r"train\.parquet"):
        read_table(open_table(repository=repository, commit=head))


def test_a_bomb_of_a_column_ends_in_a_sentence(monkeypatch):
    """One page of a dictionary column unpacks to far more than the child may hold."""
    monkeypatch.setattr(tables, "_LIMITS", sandbox.Limits(memory_bytes=250 * 2**20, wall_s=30, call_s=20, cpu_s=20))
    repository, _ = dataset({"a.bin": b"x"})
    table = pa.table({"t": pa.array(["x" * 2**20] * 400).dictionary_encode()}).cast(pa.schema([("t", pa.string())]))
    head = large(repository, "train.parquet", parquet(table, row_group_size=400, compression="zstd"))

    with pytest.raises(TableUnreadable):
        read_table(open_table(repository=repository, commit=head), query="y")


def test_a_large_file_is_put_together_by_a_worker_first(monkeypatch):
    monkeypatch.setattr(tables, "_AT_ONCE_BYTES", 100)
    repository, _ = dataset({"a.bin": b"x"})
    head = large(repository, "train.parquet", parquet(pa.table({"n": list(range(500))})))
    table = open_table(repository=repository, commit=head)
    asked = []
    monkeypatch.setattr(tables.content, "ask_for_copy", asked.append)

    with pytest.raises(TableNotReady):
        read_table(table)
    materialise_content(asked[0].pk)

    assert len(read_table(table).rows) == tables.PAGE_ROWS


def test_held_files_are_not_shown():
    repository, head = dataset({"train.jsonl": '{"a": 1}\n'})
    head.held = {"train.jsonl": "a secret"}
    head.save()

    with pytest.raises(TableUnreadable, match="held back"):
        open_table(repository=repository, commit=head)
