"""Children of the warm process: born with nothing, walled in like others, and no worse off when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation import sandbox
from evaluation.sandbox import HostLost, Loader, Plan, zygote
from evaluation.sandbox.zygote import Zygote

REDTEAM = Path(__file__).parent / "redteam"
BELONGINGS = Loader("belongings", REDTEAM)
PLAN = sandbox.warm_plan()
pytestmark = pytest.mark.skipif(PLAN is None, reason="no child can be forked here without giving up a wall")


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zygote]:
    """A warm process that has imported next to nothing, in the place of this process's own."""
    made = Zygote(modules=("json", "numpy"), kinds=())
    before = dict(zygote._SHARED)
    zygote._SHARED.clear()
    zygote._SHARED[os.getpid()] = made
    yield made
    zygote.close_shared()
    zygote._SHARED.update(before)


def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_child_is_born_with_its_pipes_and_a_fresh_environment(
    light: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALLHUB_CANARY_SECRET", "NIGHTINGALE")

    with sandbox.open(folder(tmp_path), loader=BELONGINGS, warm=True) as session:
        told = session.load()["description"]

    assert told["descriptors"] == 5
    assert len(told["environment"]) < 11
    assert "NIGHTINGALE" not in str(told["environment"])
    assert told["environment"]["HOME"] == told["environment"]["TMPDIR"] != "/nonexistent"
    assert not {"django", "evaluation", "psycopg", "celery"} & set(told["modules"])
    assert "numpy" in told["modules"]


def test_the_walls_are_those_of_a_child_started_from_nothing(light: Zygote, tmp_path: Path) -> None:
    with sandbox.open(folder(tmp_path), loader=BELONGINGS, warm=True) as warm:
        forked = warm.walls
    with sandbox.open(folder(tmp_path), loader=BELONGINGS) as cold:
        started = cold.walls

    kept = ("landlock", "seccomp", "namespaces", "refused")
    assert {name: forked[name] for name in kept} == {name: started[name] for name in kept}
    assert bool(forked["user"]) is bool(started["user"])


def test_a_killed_warm_process_blames_no_model_and_is_started_again(light: Zygote, tmp_path: Path) -> None:
    with sandbox.open(folder(tmp_path), loader=BELONGINGS, warm=True) as session:
        session.load()
        os.kill(light.pid, signal.SIGKILL)
        with pytest.raises(HostLost):
            _call_until_it_ends(session)

    zygote._SHARED[os.getpid()] = Zygote(modules=("json",), kinds=()) if not light.is_alive else light
    with sandbox.open(folder(tmp_path), loader=BELONGINGS, warm=True) as session:
        assert session.load()["runtime"] == "hostile"


def _call_until_it_ends(session: sandbox.Session) -> None:
    """The kernel takes a moment to end what hung on a process."""
    for _ in range(200):
        session.call("encode", text="x")
        time.sleep(0.05)


def test_a_dead_one_is_replaced(light: Zygote) -> None:
    os.kill(light.pid, signal.SIGKILL)
    light._process.wait(timeout=10)

    assert zygote.shared() is not light
    assert zygote.shared().is_alive


def test_two_children_live_side_by_side_and_end_alone(light: Zygote, tmp_path: Path) -> None:
    with sandbox.open(folder(tmp_path), loader=BELONGINGS, warm=True) as first:
        first.load()
        with sandbox.open(folder(tmp_path), loader=BELONGINGS, warm=True) as second:
            second.load()
        assert first.load()["runtime"] == "hostile"


ORPHAN = """
import os, signal, sys
from pathlib import Path
from evaluation import sandbox
from evaluation.sandbox import zygote
zygote._SHARED[os.getpid()] = made = zygote.Zygote(modules=("json",), kinds=())
session = sandbox.open(Path(sys.argv[1]), loader=sandbox.Loader("belongings", Path(sys.argv[2])), warm=True)
session.load()
print(made.pid, session._child._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_outlives_the_worker(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]

    command = [sys.executable, "-c", ORPHAN, str(folder(tmp_path)), str(REDTEAM)]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)

    assert finished.returncode == -signal.SIGKILL, finished.stderr
    pids = [int(word) for word in finished.stdout.split()]
    until = time.monotonic() + 10
    while any(map(_runs, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(pids) == 2
    assert not any(map(_runs, pids))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_bubblewrap_is_never_replaced_by_less() -> None:
    if sandbox.probe().chosen is Plan.BUBBLEWRAP:
        assert PLAN is Plan.VIEW
    else:
        assert sandbox.probe().chosen is PLAN
