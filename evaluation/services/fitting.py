"""Whether a benchmark can be run on a model: told from its declaration and from what the smoke test saw."""

from collections.abc import Mapping
from typing import Any

from evaluation.benchmarks.definition import parse
from evaluation.benchmarks.fit import applies
from evaluation.models import Benchmark


def obstacle(benchmark: Benchmark, *, smoke: Mapping[str, Any]) -> str:
    """Why this benchmark does not apply to a model, for people; "" if it does.

    Args:
        smoke: the smoke step's result: `capabilities`, and the model's own `description` with its `labels`.
    """
    described = smoke.get("description") or {}
    found = applies(parse(benchmark.definition), smoke.get("capabilities") or (), described.get("labels"))
    return found.reason
