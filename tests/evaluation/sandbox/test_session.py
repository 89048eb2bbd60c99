"""The session's own behaviour: what is laid out, what comes back, and what happens when the model misbehaves."""

from __future__ import annotations

import json
import math
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from evaluation import sandbox
from evaluation.sandbox import Limits, Loader, probing, replies, session, staging
from evaluation.sandbox.child import seccomp

LOADER = Loader("escapes", Path(__file__).parent / "redteam")
QUICK = Limits(memory_bytes=512 << 20, wall_s=30, call_s=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_crash_names_the_signal_and_leaves_the_caller_alive(folder: Path) -> None:
    with sandbox.open(folder, limits=QUICK, loader=LOADER) as running:
        running.load()
        with pytest.raises(sandbox.Crashed) as caught:
            running.call("log_likelihood", texts=["crash"])

    assert caught.value.signal == 11


def test_an_answer_with_the_wrong_number_of_rows_ends_the_session(folder: Path) -> None:
    with sandbox.open(folder, limits=QUICK, loader=LOADER) as running:
        running.load()
        with pytest.raises(sandbox.Crashed, match="one record for each of 1 texts"):
            running.call("log_likelihood", texts=["wrong_rows"])


def test_nan_comes_through_as_nan(folder: Path) -> None:
    with sandbox.open(folder, limits=QUICK, loader=LOADER) as running:
        running.load()
        (row,) = running.call("log_likelihood", texts=["nan"])

    assert math.isnan(row.log_prob)


def test_an_error_in_the_model_is_an_answer_and_the_session_goes_on(folder: Path) -> None:
    with sandbox.open(folder, limits=QUICK, loader=LOADER) as running:
        running.load()
        with pytest.raises(sandbox.RuntimeRefused) as caught:
            running.call("log_likelihood", texts=["no such trick"])
        assert caught.value.code == "model_error"

        assert running.call("encode", text="x") == [1]


def test_operations_outside_the_list_are_refused(folder: Path) -> None:
    with sandbox.open(folder, limits=QUICK, loader=LOADER) as running:
        running.load()
        with pytest.raises(sandbox.RuntimeRefused, match="no operation"):
            running.call("__class__")


def test_usage_is_measured_from_outside(folder: Path) -> None:
    with sandbox.open(folder, limits=QUICK, loader=LOADER) as running:
        running.load()
        usage = running.usage()

    assert 5 << 20 < usage.peak_rss_bytes < 200 << 20
    assert 0 < usage.cpu_s < 5
    assert usage.wall_s > 0


def test_without_any_wall_nothing_opens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = probing.Probe(walls=(probing.Wall("plain", False, "no Landlock"),), chosen=None)
    monkeypatch.setattr(probing, "_probe", lambda: none)

    with pytest.raises(sandbox.SandboxUnavailable, match="no Landlock"):
        sandbox.open(folder, limits=QUICK, loader=LOADER)


@pytest.mark.parametrize(
    ("walls", "plan", "word"),
    [
        ({"landlock": 0, "seccomp": True, "namespaces": ["net", "mount"]}, "namespaces", "files"),
        ({"landlock": 7, "seccomp": False, "namespaces": []}, "plain", "network"),
    ],
)
def test_a_child_that_could_not_build_its_walls_is_not_used(walls: dict, plan: str, word: str) -> None:
    half_built = object.__new__(session.Session)
    half_built.walls = {**walls, "refused": ["because"]}
    half_built._plan = sandbox.Plan(plan)

    with pytest.raises(sandbox.SandboxUnavailable, match=f"no wall around .*{word}"):
        half_built._require_walls()


def test_only_files_that_a_safe_loader_reads_are_laid_out(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "1_Pooling").mkdir(parents=True)
    (source / "checkpoint").mkdir()
    target.mkdir()
    save_file({"w": np.ones(3, np.float32)}, source / "model.safetensors")
    (source / "1_Pooling" / "config.json").write_text("{}")
    (source / "config.json").write_text(json.dumps({"model_type": "gpt2", "auto_map": {"AutoModel": "x.Y"}}))
    (source / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"}))
    for name in (
        "pytorch_model.bin", "optimizer.pt", "rng_state.pth", "training_args.bin", "scheduler.pt", "trainer_state.json",
        "torch.py", "sitecustomize.py", "evil.pth", "README.md", "model.gguf", "checkpoint/config.json",
    ):  # fmt: skip
        (source / name).write_bytes(pickle.dumps({"a": 1}))
    (source / "other.safetensors").write_bytes(pickle.dumps({"a": 1}))
    (source / "vocab.txt").symlink_to("/etc/passwd")

    staged = staging.stage(source, target, readable_by_others=True)

    assert set(staged.paths) == {
        "1_Pooling/config.json",
        "config.json",
        "model.safetensors",
        "tokenizer_config.json",
    }
    assert "pickle" in staged.left_out["other.safetensors"]
    assert json.loads((target / "config.json").read_text()) == {"model_type": "gpt2"}
    assert json.loads((source / "config.json").read_text())["auto_map"], "the original must not be touched"


@pytest.mark.parametrize(
    "value",
    [
        {"__array__": [2, 2], "data": "AAAA"},
        {"__array__": [-1], "data": ""},
        {"__array__": [1], "data": "!!!!"},
        {"__array__": [1], "data": 3},
        {"__float__": "1e5"},
    ],
)
def test_malformed_values_from_the_child_are_refused(value: object) -> None:
    with pytest.raises(replies.BadReply):
        replies.decode(value)


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("classify", [{"labels": ["a"], "probabilities": [0.1, 0.9]}]),
        ("classify", [{"labels": [], "probabilities": []}]),
        ("log_likelihood", [{"log_prob": True, "tokens": 1, "unknown": 0}]),
        ("log_likelihood", [{"log_prob": -1.0, "tokens": -1, "unknown": 0}]),
        ("generate", {"text": "x", "token_ids": [-5], "finish": "stop", "prompt_tokens": 1}),
        ("next_log_probs", [[1.0]]),
        ("encode", ["1"]),
    ],
)
def test_answers_of_the_wrong_form_are_refused(operation: str, value: object) -> None:
    with pytest.raises(replies.BadReply):
        replies.check(operation, {"texts": ["one"]}, value)


def test_the_table_of_system_calls_agrees_with_the_machines_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("linux-libc-dev is not installed")
    words = [line.split() for line in header.read_text().splitlines() if line.startswith("#define __NR_")]
    numbers = {name.removeprefix("__NR_"): int(number) for _, name, number in words}

    known = {name: columns[0] for name, columns in seccomp.REFUSED.items() if name in numbers}

    assert known == {name: numbers[name] for name in known}
    assert len(known) > 100


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_fits_the_kernels_limit_and_its_jumps_stay_inside(machine: str) -> None:
    program = seccomp.build_program(machine=machine, pid=123)

    count = len(program) // 8
    assert count < 4096
    for index in range(count):
        code, if_true, if_false, _ = struct.unpack_from("<HBBI", program, 8 * index)
        if code & 0x07 == 0x05:
            assert index + 1 + max(if_true, if_false) < count


def test_leftovers_of_a_dead_worker_are_removed(tmp_path: Path) -> None:
    finished = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    left = tmp_path / f"smallhub-job-{finished.stdout.strip()}-abc"
    left.mkdir()

    made = session._make_job_folder(tmp_path)

    assert not left.exists()
    assert made.exists()


def test_a_job_may_lie_beside_its_files_so_that_they_are_linked(tmp_path: Path) -> None:
    source, work = tmp_path / "source", tmp_path / "work"
    source.mkdir()
    work.mkdir()
    (source / "vocab.txt").write_text("a")
    (source / "config.json").write_text("{}")

    with sandbox.open(source, limits=QUICK, loader=LOADER, work_folder=work) as running:
        linked = (running.staged.folder / "vocab.txt").stat()

        assert linked.st_ino == (source / "vocab.txt").stat().st_ino
    assert list(work.iterdir()) == []
