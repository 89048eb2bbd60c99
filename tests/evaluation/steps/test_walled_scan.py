"""The scan's readers in the sandbox: the same findings as outside, and a file that ends its scan is held back."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from evaluation import sandbox
from evaluation.sandbox import Crashed, Limits, Loader, SandboxUnavailable, TimedOut
from evaluation.steps import walled_scan
from evaluation.steps.scan import Verdict, scan
from evaluation.steps.walled_scan import MIB, WalledReader, limits_for
from tests.evaluation.steps.test_scan import EVIL


def opened(folder: Path, limits: Limits) -> sandbox.Session:
    return sandbox.open_files(folder, limits=limits)


@pytest.fixture
def commit(tmp_path: Path) -> Path:
    """Honest files and others, in folders too."""
    folder = tmp_path / "commit"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    (folder / "model.safetensors").write_bytes(save({"w": np.ones(4, np.float32)}))
    (folder / "deep" / "er" / "old.bin").write_bytes(EVIL)
    (folder / "tensors.pkl").write_bytes(pickle.dumps({"w": [1.0]}))
    (folder / "keys.txt").write_text("AKIA" + "IOSFODNN7EXAMPLF")
    with zipfile.ZipFile(folder / "files.zip", "w") as packed:
        packed.writestr("a.txt", "a")
    return folder


def test_behind_the_walls_the_same_is_found(commit):
    with WalledReader(commit, largest_bytes=1000, open_session=opened) as reader:
        found = scan(commit, reader=reader)

    assert found == scan(commit)
    assert found.verdict is Verdict.QUARANTINED
    assert "deep/er/old.bin" in found.held_back


def test_the_child_sees_the_commit_and_neither_the_tree_nor_its_data(commit, tmp_path):
    probe = tmp_path / "probe"
    probe.mkdir()
    (probe / "looks.py").write_text(
        "class Looks:\n"
        "    runtime = task = 'x'\n"
        "    capabilities = ()\n"
        "    def description(self): return {}\n"
        "    def scan_file(self, path):\n"
        "        try:\n"
        "            open(path).close()\n"
        "        except OSError as error:\n"
        "            return {'kind': type(error).__name__, 'findings': []}\n"
        "        return {'kind': 'open', 'findings': []}\n"
        "def load(folder, *, threads): return Looks()\n"
    )
    base = Loader.file_scans()
    looks = Loader("looks", probe, also=base.also)
    here = Path(__file__).resolve()
    with sandbox.Session(commit, limits=Limits(), loader=looks, plan=sandbox.probing.chosen_plan(), whole=True) as seen:
        seen.load()
        readable = str(base.also[1] / "formats" / "detect.py")
        assert seen.call("scan_file", path=readable)["kind"] == "open"
        for path in (here, here.parents[3] / "manage.py", commit / "config.json"):
            assert seen.call("scan_file", path=str(path))["kind"] != "open", path


class Ends:
    """A session that one file ends, as a crash or a hang would; it is opened anew for the others."""

    opened = 0

    def __init__(self, error: Exception) -> None:
        self.error = error

    def load(self):
        Ends.opened += 1
        return {}

    def call(self, operation, *, path, cpu_s):
        if path.startswith("bad"):
            raise self.error
        return {"kind": "text", "findings": []}

    def close(self):
        pass


@pytest.mark.parametrize("error", [Crashed("It was killed."), TimedOut("It took too long.")])
def test_a_file_that_ends_its_scan_is_held_back_and_the_others_are_read(tmp_path, error):
    Ends.opened = 0
    for name in ("a.txt", "bad.txt", "c.txt"):
        (tmp_path / name).write_text("x")

    with WalledReader(tmp_path, largest_bytes=1, open_session=lambda *_: Ends(error)) as reader:
        found = scan(tmp_path, reader=reader)

    assert (list(found.held_back), found.kinds["c.txt"], Ends.opened) == (["bad.txt"], "text", 2)
    assert str(error) in found.held_back["bad.txt"]


def test_a_file_has_so_much_processor_time_and_no_more(tmp_path, monkeypatch):
    folder = tmp_path / "commit"
    folder.mkdir()
    with zipfile.ZipFile(folder / "long.bin", "w") as packed:  # Each member takes the reader a second or so.
        for number in range(12):
            packed.writestr(f"{number}.pkl", b"\x80\x04" + b"N0" * 990_000 + b"N.")
    (folder / "short.txt").write_text("x")
    monkeypatch.setattr(walled_scan, "cpu_s_for", lambda _: 0)

    with WalledReader(folder, largest_bytes=1, open_session=opened) as reader:
        found = scan(folder, reader=reader)

    assert "ended the scan" in found.held_back["long.bin"]
    assert found.kinds["short.txt"] == "text"


def test_a_commit_that_ends_its_scan_again_and_again_is_held_back_unread(tmp_path):
    Ends.opened = 0
    for number in range(9):
        (tmp_path / f"bad{number}.txt").write_text("x")

    with WalledReader(tmp_path, largest_bytes=1, open_session=lambda *_: Ends(Crashed("no"))) as reader:
        found = scan(tmp_path, reader=reader)

    assert (len(found.held_back), Ends.opened) == (9, walled_scan.MAX_DEATHS)


def test_without_a_sandbox_there_is_no_verdict(tmp_path):
    (tmp_path / "a.txt").write_text("x")

    def refuse(*_):
        raise SandboxUnavailable("no walls here")

    with pytest.raises(SandboxUnavailable), WalledReader(tmp_path, largest_bytes=1, open_session=refuse) as reader:
        scan(tmp_path, reader=reader)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"kind": 3, "findings": []},
        {"kind": "text", "findings": None},
        {"kind": "text", "findings": [{"path": "other.txt", "kind": "x", "detail": "x", "severity": "warning"}]},
        {"kind": "text", "findings": [{"path": "a.txt", "kind": "x", "detail": "x", "severity": "clean"}]},
    ],
)
def test_an_answer_that_makes_no_sense_frees_nothing(answer):
    kind, findings = walled_scan._read(answer, "a.txt")

    assert [finding.severity for finding in findings] == [Verdict.QUARANTINED], json.dumps(answer)
    assert kind in ("unreadable", "text")


def test_a_large_vocabulary_has_room_for_its_values_and_weights_get_no_more_than_that() -> None:
    small, vocabulary, weights = (limits_for(size).memory_bytes for size in (1_000, 55 * MIB, 3 << 30))

    assert small < 513 * MIB
    assert vocabulary > 1_100 * MIB
    assert weights == limits_for(64 * MIB).memory_bytes
