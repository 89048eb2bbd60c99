"""A hostile loader in the sandbox: every escape is refused there, and the same escapes work outside."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation import sandbox
from evaluation.sandbox import Limits, Loader, Plan, zygote

ESCAPES = Path(__file__).parent / "redteam"
LOADER = Loader("escapes", ESCAPES)
MIB = 1 << 20
QUICK = Limits(memory_bytes=512 * MIB, wall_s=30, call_s=15, tmp_bytes=8 * MIB, cpu_s=20)
WORKING = [Plan(wall.plan) for wall in sandbox.probe().walls if wall.works]
# Every way to start a child: each plan from nothing, and from the warm process each that it can be forked into.
WAYS = [(plan, False) for plan in WORKING] + [(plan, True) for plan in WORKING if plan is not Plan.BUBBLEWRAP]

BOMBED = [(plan, False) for plan in WORKING if plan is not Plan.VIEW] + [(plan, True) for plan in WORKING[1:2]]

# Attempts that need root outside as well; as an ordinary user they fail without any sandbox.
NEED_ROOT = {"mount", "change_root", "become_root", "change_group", "host_name", "device_file", "load_bpf"}
OF_THE_MACHINE = {"parent_environment", "parent_command_line", "system_accounts", "list_root"}
# What a machine may forbid outside as well.
NOT_EVERYWHERE = {"raise_own_limits"}


@pytest.fixture
def bait(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Canaries to steal and doors to knock on. The doors answer "NIGHTINGALE"."""
    home, writable, folder = tmp_path / "home", tmp_path / "writable", tmp_path / "model"
    for made in (home / ".ssh", writable, folder):
        made.mkdir(parents=True)
    (home / ".ssh" / "id_canary").write_text("NIGHTINGALE")
    (tmp_path / "other_job").write_text("NIGHTINGALE")
    for name in ("vocab.txt", "training_args.bin", "modeling_canary.py", "sitecustomize.py", "torch.py"):
        (folder / name).write_text("CANARY = 1\n")
    (tmp_path / "answers.jsonl").write_text("NIGHTINGALE")
    with sqlite3.connect(tmp_path / "scores.sqlite3") as rows:
        rows.execute("CREATE TABLE score (value REAL)")
        rows.execute("INSERT INTO score VALUES (0.25)")
    metadata = _door(("127.169.254.169", 0))
    doors = [_door(("127.0.0.1", 0)), _door("\0canary-" + tmp_path.name), _door(str(tmp_path / "door"))]
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("127.0.0.1", 0))
    threading.Thread(target=_echo, args=(echo,), daemon=True).start()
    facts = {
        "attempt": True,
        "parent": os.getpid(),
        "home_key": str(home / ".ssh" / "id_canary"),
        "project": str(Path(__file__).resolve().parents[3]),
        "other_job": str(tmp_path / "other_job"),
        "writable": str(writable),
        "answers": str(tmp_path / "answers.jsonl"),
        "scores": str(tmp_path / "scores.sqlite3"),
        "metadata_port": metadata.getsockname()[1],
        "port": doors[0].getsockname()[1],
        "udp_port": echo.getsockname()[1],
        "abstract": "canary-" + tmp_path.name,
        "unix": str(tmp_path / "door"),
        "folder": str(folder),
    }
    (folder / "config.json").write_text(json.dumps(facts))
    yield facts
    for door in [*doors, metadata, echo]:
        door.close()


def _door(address: Any) -> socket.socket:
    door = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX)
    door.bind(address)
    door.listen()
    threading.Thread(target=_answer, args=(door,), daemon=True).start()
    return door


def _answer(door: socket.socket) -> None:
    while True:
        try:
            caller, _ = door.accept()
        except OSError:
            return
        with caller:
            caller.sendall(b"NIGHTINGALE")


def _echo(door: socket.socket) -> None:
    while True:
        try:
            _, caller = door.recvfrom(64)
            door.sendto(b"NIGHTINGALE", caller)
        except OSError:
            return


@pytest.mark.parametrize(("plan", "warm"), WAYS)
def test_every_escape_is_refused(plan: Plan, warm: bool, bait: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALLHUB_CANARY_SECRET", "NIGHTINGALE")

    with sandbox.open(Path(bait["folder"]), limits=QUICK, loader=LOADER, plan=plan, warm=warm) as session:
        outcomes = session.load()["description"]

    assert len(outcomes) >= 40
    succeeded = {name: outcome["got"] for name, outcome in outcomes.items() if "got" in outcome}
    assert succeeded == {}
    assert "NIGHTINGALE" not in json.dumps(outcomes)
    assert not list(Path(bait["writable"]).iterdir())


def test_the_same_escapes_work_without_the_sandbox(
    bait: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forty attempts and more that are refused inside and succeed outside, in one table."""
    monkeypatch.setenv("SMALLHUB_CANARY_SECRET", "NIGHTINGALE")
    with sandbox.open(Path(bait["folder"]), limits=QUICK, loader=LOADER) as session:
        inside = session.load()["description"]
    assert _score(bait) == 0.25

    outside = _outcomes_outside(bait)

    with capsys.disabled():
        print(f"\n{'attempt':<24} {'sandbox off':<40} sandbox on")
        for name, outcome in outside.items():
            print(f"{name:<24} {_shown(name, outcome):<40} {_shown(name, inside[name])}")
    excused = NOT_EVERYWHERE | (NEED_ROOT if os.getuid() else set())
    refused = {name: outcome["refused"] for name, outcome in outside.items() if "refused" in outcome}
    assert set(refused) <= excused, {name: reason for name, reason in refused.items() if name not in excused}
    proven = [name for name, outcome in outside.items() if "got" in outcome and "refused" in inside[name]]
    assert len(proven) >= 40
    assert _score(bait) == 1.0


def _outcomes_outside(bait: dict[str, Any]) -> dict[str, dict[str, str]]:
    environment = {**os.environ, "TMPDIR": str(Path(bait["folder"]).parent)}
    command = [sys.executable, str(ESCAPES / "escapes.py"), json.dumps(bait)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    outcomes: dict[str, dict[str, str]] = json.loads(finished.stdout.splitlines()[-1])
    return outcomes


def _shown(name: str, outcome: dict[str, str]) -> str:
    """An outcome in a few words. What was read of this very machine is not repeated in a log."""
    if "refused" in outcome:
        return f"refused: {outcome['refused']}"[:60]
    return f"got {len(outcome['got'])} characters" if name in OF_THE_MACHINE else f"got {outcome['got']!r}"[:38]


def _score(bait: dict[str, Any]) -> float:
    with sqlite3.connect(bait["scores"]) as rows:
        return float(rows.execute("SELECT value FROM score").fetchone()[0])


@pytest.mark.parametrize("plan", WORKING)
def test_answers_that_are_only_printed_are_believed_by_nobody(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with sandbox.open(tmp_path, limits=QUICK, loader=LOADER, plan=plan) as session:
        session.load()

        assert session.call("generate", prompt="forged").text == "survived"
        wait_until = time.monotonic() + 10
        while "perfect" not in session.output_tail() and time.monotonic() < wait_until:
            time.sleep(0.05)
        assert "perfect" in session.output_tail()


Ending = type[sandbox.SandboxError]


@pytest.mark.parametrize(("plan", "warm"), BOMBED)
@pytest.mark.parametrize(
    ("bomb", "ending"),
    [
        ("memory", sandbox.OutOfMemory),
        ("output", sandbox.Crashed),
        ("answers", sandbox.Crashed),
        ("stop", sandbox.TimedOut),
        ("loop", sandbox.TimedOut),
    ],
)
def test_a_bomb_ends_the_job_with_its_reason(plan: Plan, warm: bool, bomb: str, ending: Ending, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    # More than the large build of PyTorch takes once it is loaded.
    limits = Limits(memory_bytes=700 * MIB, address_space_extra_bytes=8 << 30, wall_s=120, reply_bytes=4 * MIB)
    patience = 3 if ending is sandbox.TimedOut else 90  # A busy machine takes its time to fill memory.

    with sandbox.open(tmp_path, limits=limits, loader=LOADER, plan=plan, warm=warm) as session:
        session.load()
        began = time.monotonic()
        with pytest.raises(ending):
            session.call("generate", prompt=bomb, timeout_s=patience)

    assert time.monotonic() - began < patience + 27
    _assert_nothing_left()


@pytest.mark.parametrize(("plan", "warm"), BOMBED)
@pytest.mark.parametrize("bomb", ["disk", "threads", "forks", "handles"])
def test_a_bomb_that_only_hurts_itself_is_an_error(plan: Plan, warm: bool, bomb: str, tmp_path: Path) -> None:
    """The kernel refuses the next file, thread, process or handle; the model's own error is the answer."""
    (tmp_path / "config.json").write_text("{}")

    with sandbox.open(tmp_path, limits=QUICK, loader=LOADER, plan=plan, warm=warm) as session:
        session.load()
        with pytest.raises((sandbox.RuntimeRefused, sandbox.Crashed, sandbox.OutOfMemory)):
            session.call("generate", prompt=bomb)

    _assert_nothing_left()


def test_memory_over_the_address_space_limit_is_out_of_memory(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    limits = Limits(memory_bytes=512 * MIB, address_space_extra_bytes=0)

    with sandbox.open(tmp_path, limits=limits, loader=LOADER) as session:
        session.load()
        with pytest.raises(sandbox.OutOfMemory):
            session.call("generate", prompt="memory")


@pytest.mark.parametrize(("plan", "warm"), WAYS)
def test_a_job_finds_nothing_of_the_job_before(plan: Plan, warm: bool, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with sandbox.open(tmp_path, limits=QUICK, loader=LOADER, plan=plan, warm=warm) as first:
        first.load()
        first.call("encode", text="MARKER")
        assert "marker" in first.call("decode", ids=[])

    with sandbox.open(tmp_path, limits=QUICK, loader=LOADER, plan=plan, warm=warm) as second:
        second.load()

        assert second.call("decode", ids=[]) == "[]"


def _assert_nothing_left() -> None:
    """No process of a job outlives it: this process has no descendants but the warm process, if there is one."""
    wait_until = time.monotonic() + 3
    while _jobs() and time.monotonic() < wait_until:
        time.sleep(0.05)
    assert _jobs() == []


def _jobs() -> list[int]:
    return [pid for pid in _descendants(os.getpid()) if pid != zygote.shared_pid()]


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_descendants(child)]
    return found
