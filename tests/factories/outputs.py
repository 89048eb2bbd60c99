"""Results whose single items were kept, as the workers would leave them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from evaluation.engine import rows_as_jsonl
from evaluation.models import Benchmark, Evaluation, Receipt, Run
from evaluation.services import items
from models_registry.models import Kind, Repository
from tests.evaluation.benchmarks.test_benchmarks import declared
from tests.factories.pages import measured
from tests.factories.registry import RepositoryFactory, put

TEXTS = [("a pleasant walk", "a"), ("the boat sank", "b"), ("warm bread", "a"), ("a cold soup", "b")]


def set_of_texts(copies: int = 8, **changes: Any) -> Benchmark:
    """A benchmark of short texts with two labels, whose data are really there."""
    data = RepositoryFactory(kind=Kind.DATASET, name="moods")
    rows = [
        {"id": f"{copy}-{number}", "text": f"{text} {copy}", "label": label, "domain": "law" if copy % 2 else "retail"}
        for copy in range(copies)
        for number, (text, label) in enumerate(TEXTS)
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    put(data, {"data/test.jsonl": content})
    data.refresh_from_db()
    body = content.encode()
    file = {"path": "data/test.jsonl", "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    fields = {"id": "id", "text": "text", "label": "label", "slice": "domain"}
    definition = declared(id="moods", files=[file], fields=fields, **changes)
    return Benchmark.objects.create(
        key="moods",
        version=1,
        title="Moods of short texts",
        task="text-classification",
        repository=data,
        commit=data.head,
        definition=definition,
        definition_sha256=hashlib.sha256(json.dumps(definition).encode()).hexdigest(),
    )


def answered(repository: Repository, benchmark: Benchmark, said: Mapping[str, str] | None = None) -> Receipt:
    """The newest commit measured on a set of texts. A model that always says `a`, but for the items named in `said`."""
    evaluation: Evaluation = measured(repository, {benchmark: 0.5})
    run = Run.objects.get(evaluation=evaluation, benchmark=benchmark)
    receipt = Receipt.objects.get(run=run)
    rows = []
    for copy in range(8):
        for number, (_, gold) in enumerate(TEXTS):
            name = f"{copy}-{number}"
            found = (said or {}).get(name, "a")
            row = {"id": name, "gold": gold, "predicted": found, "right": gold == found}
            rows.append(row | {"probability": 0.55 + 0.05 * copy, "slice": "law" if copy % 2 else "retail"})
    lines = rows_as_jsonl(rows)
    items.store(receipt, lines=lines, sha256=hashlib.sha256(lines).hexdigest(), count=len(rows))
    return receipt
