"""`load_dataset` and the rows that the hub shows are the same rows, for every format and for splits from the card."""

import hashlib
import io
import json
import os
import subprocess
import sys

import httpx
import pytest
from pyarrow import parquet

from tests.factories.accounts import UserFactory, token
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db(transaction=True)

LOAD = """
import json, sys
from datasets import get_dataset_config_names, load_dataset
name = sys.argv[1]
found = {}
for config in get_dataset_config_names(name):
    for split, rows in load_dataset(name, config).items():
        found[f"{config}/{split}"] = list(rows)
streamed = next(iter(load_dataset(name, config, split=split, streaming=True)))
print(json.dumps({"rows": found, "streamed": streamed, "place": f"{config}/{split}"}))
"""
SETS = {
    "lines": {
        "README.md": """---
configs:
- config_name: some
  data_files:
  - {split: train, path: "lines/a*.jsonl"}
  - {split: test, path: lines/test.jsonl}
  default: true
- config_name: all
  data_files: "**/*.jsonl"
---
""",
        "lines/a1.jsonl": "".join(json.dumps({"n": n, "t": f"ü{n}", "l": [n]}) + "\n" for n in range(5)),
        "lines/a2.jsonl": json.dumps({"n": 5, "t": "x", "l": []}) + "\n",
        "lines/test.jsonl": json.dumps({"n": 6, "t": "y", "l": [1]}) + "\n",
    },
    "tables": {"train.csv": 'a,b\n1,"x, y"\n2,"two\nlines"\n', "val/more.csv": "a,b\n3,z\n"},
    "words": {"data/train.txt": "one\ntwo\nthree\n", "data/test.txt": "four\n"},
}


@pytest.mark.parametrize("name", SETS)
def test_the_library_loads_the_rows_that_the_hub_shows(hub, tmp_path, name):
    repository = RepositoryFactory(user=UserFactory(username="ada"), name=name, dataset=True)
    put(repository, SETS[name])
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_TELEMETRY": "1"}

    done = subprocess.run(
        [sys.executable, "-c", LOAD, f"ada/{name}"], env=environment, capture_output=True, text=True, timeout=240
    )

    assert done.returncode == 0, done.stderr[-3000:]
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded["streamed"] == loaded["rows"][loaded["place"]][0]
    splits = httpx.get(f"{hub.url}/api/v1/datasets/ada/{name}/splits/main").json()["configs"]
    assert sorted(loaded["rows"]) == sorted(f"{c['name']}/{s['name']}" for c in splits for s in c["splits"])
    for place, rows in loaded["rows"].items():
        config, split = place.split("/")
        shown = httpx.get(
            f"{hub.url}/api/v1/datasets/ada/{name}/rows/main", params={"config": config, "split": split}
        ).json()["rows"]
        ours = [{name: as_loaded(value) for name, value in row["values"].items()} for row in shown]
        assert ours == [{name: as_loaded(value) for name, value in row.items()} for row in rows]


def as_loaded(value):
    """The library reads a CSV file's numbers as numbers; we show them as they are written."""
    return str(value) if isinstance(value, int) else value


PUSH = """
import hashlib, json
from datasets import Dataset, load_dataset
rows = [{"n": n, "text": f"Zeile {n} ü", "parts": [n, n + 1]} for n in range(1000)]
Dataset.from_list(rows).push_to_hub("ada/pushed", private=True, max_shard_size="20KB")
loaded = list(load_dataset("ada/pushed", split="train"))
streamed = [row["n"] for row in load_dataset("ada/pushed", split="train", streaming=True)]
print(json.dumps([loaded == rows, streamed == list(range(1000))]))
"""


def test_a_data_set_is_pushed_loaded_and_streamed(hub, tmp_path):
    secret = token(UserFactory(username="ada"))
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path),
        "HF_TOKEN": secret,
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    done = subprocess.run([sys.executable, "-c", PUSH], env=environment, capture_output=True, text=True, timeout=240)

    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [True, True]
    headers = {"Authorization": f"Bearer {secret}"}
    tree = httpx.get(f"{hub.url}/api/datasets/ada/pushed/tree/main/data", headers=headers).json()
    shards = [item for item in tree if item["path"].endswith(".parquet")]
    assert shards
    numbers = []
    for shard in sorted(shards, key=lambda item: item["path"]):
        body = httpx.get(f"{hub.url}/datasets/ada/pushed/resolve/main/{shard['path']}", headers=headers).content
        assert hashlib.sha256(body).hexdigest() == shard["lfs"]["oid"]
        numbers += parquet.read_table(io.BytesIO(body)).column("n").to_pylist()
    assert numbers == list(range(1000))
