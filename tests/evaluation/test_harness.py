"""Our numbers are the public harness' numbers, task by task and item by item, on the same model and data."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation import engine, sandbox
from tests.evaluation import harness_tasks
from tests.factories.tiny_models import make_random_gpt2
from tests.requirements import ROOT, require

ITEMS = 24
PYTHON = ROOT / ".venv-lm-eval" / "bin" / "python"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, engine.Result], dict[str, Any]]:
    """Every task by our engine and by the harness."""
    require("lm-eval")
    folder = tmp_path_factory.mktemp("harness")
    model = make_random_gpt2(folder / "model")
    _sharpen(model)
    harness_tasks.write(folder / "tasks", ITEMS)
    job = {"model": str(model), "tasks": str(folder / "tasks"), "names": harness_tasks.NAMES, "batch_size": 4}
    (folder / "job.json").write_text(json.dumps(job | {"threads": 1, "out": str(folder / "out.json")}))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    command = [str(PYTHON), str(Path(__file__).parent / "harness.py"), str(folder / "job.json")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = {}
    with sandbox.open(model, limits=sandbox.Limits(compute_threads=1), warm=True) as session:
        session.load()
        for name in harness_tasks.NAMES:
            found[name] = engine.measure(*harness_tasks.ours(name, ITEMS), session)
    return found, json.loads((folder / "out.json").read_text())


def _sharpen(model: Path) -> None:
    """Larger weights, so that a random model has opinions: else all options are nearly equal."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(model / "model.safetensors")
    larger = {name: 6 * tensor if tensor.ndim == 2 else tensor for name, tensor in tensors.items()}
    save_file(larger, model / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("name", harness_tasks.NAMES)
def test_every_number_is_the_harness_number(both: Any, name: str) -> None:
    ours, theirs = both[0][name], both[1]["results"][name]

    for mine, its in harness_tasks.SAME[name].items():
        assert ours.metrics[mine] == pytest.approx(theirs[its], rel=1e-4, abs=1e-4), mine


LOGS: dict[str, Callable[[dict[str, Any]], list[float]]] = {
    "pairs": lambda row: [row["good"], row["bad"]],
    "choice": lambda row: row["log_probs"],
    "prompted": lambda row: row["log_probs"],
    "partial": lambda row: row["log_probs"],
    "last_word": lambda row: [row["target_log_prob"]],
    "text": lambda row: [row["log_prob"]],
}


@pytest.mark.parametrize("name", harness_tasks.NAMES)
def test_every_item_has_the_harness_likelihood(both: Any, name: str) -> None:
    rows, samples = both[0][name].rows, both[1]["samples"][name]

    theirs = {sample["id"]: [_number(answer) for answer in sample["resps"]] for sample in samples}

    assert len(theirs) == len(rows) == ITEMS
    for row in rows:
        assert LOGS[name](row) == pytest.approx(theirs[row["id"]], abs=2e-3, rel=1e-5)


def _number(answer: Any) -> float:
    return float(answer[0] if isinstance(answer, list) else answer)
