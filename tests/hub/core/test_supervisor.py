"""The process tree is real here: small Python programs that live, die and refuse to go."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.core import supervisor
from hub.core.supervisor import Service, Supervisor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def tree(tmp_path: Path, said: list[str]) -> Supervisor:
    return Supervisor(logs=tmp_path / "logs", environment=os.environ, say=said.append)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def eventually(holds: Callable[[], bool], *, within_s: float = 15) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def watched(tree: Supervisor) -> threading.Thread:
    thread = threading.Thread(target=tree.watch)
    thread.start()
    return thread


def test_a_service_that_dies_is_started_again_and_said_so(tree: Supervisor, said: list[str], tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    tree.start(Service("worker", python(f"open({str(mark)!r}, 'a').write('x'); raise SystemExit(3)")))
    thread = watched(tree)

    assert eventually(lambda: mark.exists() and len(mark.read_text()) >= 2)
    tree.request_stop()
    thread.join()
    tree.stop()
    assert "worker ended (exit 3) and starts again" in said[0]


def test_a_service_that_runs_once_may_end(tree: Supervisor, said: list[str]) -> None:
    service = Service("seed", python("pass"), once=True)
    tree.start(service)
    thread = watched(tree)

    assert eventually(lambda: service.process is None)
    tree.request_stop()
    thread.join()
    assert said == []


def test_a_service_stands_back_as_a_process_and_as_a_session(tree: Supervisor, tmp_path: Path) -> None:
    code = (
        "import os, pathlib; group = pathlib.Path('/proc/self/autogroup');"
        "print(os.nice(0), group.read_text().split()[-1] if group.exists() else 'none')"
    )
    for niceness in (0, 10):
        tree.start(Service(f"nice-{niceness}", python(code), once=True, niceness=niceness))
    written = {0: tmp_path / "logs" / "nice-0.log", 10: tmp_path / "logs" / "nice-10.log"}

    assert eventually(lambda: all(log.read_text().endswith("\n") for log in written.values()))
    tree.stop()
    (first, _), (second, session) = (written[niceness].read_text().split() for niceness in (0, 10))
    assert (first, second) == (str(os.nice(0)), str(os.nice(0) + 10))
    if os.access("/proc/self/autogroup", os.W_OK):
        assert session == "10"


def test_stopping_ends_the_whole_group_also_what_will_not_go(
    tree: Supervisor, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    mark = tmp_path / "child"
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(mark)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    service = Service("stubborn", python(code))
    tree.start(service)
    assert eventually(lambda: mark.exists() and mark.read_text() != "")

    tree.stop()

    assert not service.is_running
    child = Path(f"/proc/{mark.read_text()}/stat")
    assert eventually(lambda: not child.exists() or child.read_text().split()[2] == "Z")
    assert "is killed" in said[0]


def test_a_log_that_grew_too_large_is_set_aside(
    tree: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MAX_LOG_BYTES", 10)
    log = tmp_path / "logs" / "once.log"
    log.write_text("x" * 20)
    service = Service("once", python("print('new')"), once=True)

    tree.start(service)
    assert service.process is not None
    service.process.wait()

    assert log.read_text() == "new\n"
    assert (tmp_path / "logs" / "once.log.1").read_text() == "x" * 20
