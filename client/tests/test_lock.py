"""Locking names to bytes, and what names mean later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import smallhub
from smallhub import cli


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "smallhub.lock"


def test_a_lock_pins_commit_and_hashes(hub, lock_file):
    commit = hub.add("ada/tiny", {"a": b"1"}, "v1")
    hub.notes["v1"] = "First."

    (pin,) = smallhub.lock("ada/tiny@v1", lock_file=lock_file)

    assert (pin.commit, pin.release) == (commit, "v1")
    written = json.loads(lock_file.read_text())
    assert written["endpoint"] == hub.url
    assert written["models"]["ada/tiny@v1"]["files"] == dict(pin.files)


def test_a_locked_pull_brings_what_was_locked_though_the_name_moved(hub, lock_file):
    hub.add("ada/tiny", {"a": b"old"}, "old")
    hub.add("ada/tiny", {"a": b"old"}, "main")
    smallhub.lock("ada/tiny@main", lock_file=lock_file)
    hub.add("ada/tiny", {"a": b"new"}, "main")

    folder = smallhub.pull("ada/tiny@main", lock_file=lock_file)

    assert (folder / "a").read_bytes() == b"old"
    assert (smallhub.pull("ada/tiny@main") / "a").read_bytes() == b"new"


def test_a_locked_pull_refuses_other_bytes_and_unknown_names(hub, lock_file):
    hub.add("ada/tiny", {"a": b"1"})
    smallhub.lock("ada/tiny@main", lock_file=lock_file)
    data = json.loads(lock_file.read_text())
    data["models"]["ada/tiny@main"]["files"]["a"] = "0" * 64
    lock_file.write_text(json.dumps(data))

    with pytest.raises(smallhub.IntegrityError, match="a differs"):
        smallhub.pull("ada/tiny@main", lock_file=lock_file)
    with pytest.raises(smallhub.NotFound):
        smallhub.pull("ada/tiny@v2", lock_file=lock_file)


def test_what_moved_is_outdated_until_it_is_updated(hub, lock_file):
    hub.add("ada/tiny", {"a": b"1"}, "v1")
    hub.add("ada/tiny", {"a": b"1"}, "production")
    hub.notes["v1"] = ""
    smallhub.lock("ada/tiny@production", "ada/tiny@v1", lock_file=lock_file)
    assert not any(state.is_outdated for state in smallhub.outdated(lock_file))
    new = hub.add("ada/tiny", {"a": b"12345"}, "production")
    hub.yanked["v1"] = "slow"

    states = {state.name: state for state in smallhub.outdated(lock_file)}

    moved = states["ada/tiny@production"]
    assert (moved.is_outdated, moved.current, moved.size_change, moved.yanked) == (True, new, 4, "slow")
    assert (states["ada/tiny@v1"].is_outdated, states["ada/tiny@v1"].yanked) == (False, "slow")
    assert [state.name for state in smallhub.update(lock_file=lock_file)] == ["ada/tiny@production"]
    assert smallhub.update("ada/tiny@production", lock_file=lock_file) == ()
    assert (smallhub.pull("ada/tiny@production", lock_file=lock_file) / "a").read_bytes() == b"12345"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "endpoint": "x", "models": {"a": {}}}']
)
def test_damaged_files_are_refused(hub, lock_file, text):
    lock_file.write_text(text)
    with pytest.raises(smallhub.Invalid):
        smallhub.outdated(lock_file)


def test_a_lock_belongs_to_one_hub(hub, lock_file, monkeypatch):
    hub.add("ada/tiny", {"a": b"1"})
    smallhub.lock("ada/tiny", lock_file=lock_file)
    data = json.loads(lock_file.read_text())
    lock_file.write_text(json.dumps(data | {"endpoint": "http://elsewhere"}))
    with pytest.raises(smallhub.Invalid, match="elsewhere"):
        smallhub.lock("ada/tiny", lock_file=lock_file)
    with pytest.raises(smallhub.NotFound):
        smallhub.outdated(lock_file.with_name("none"))


def test_the_command_line_locks_tells_and_updates(hub, lock_file, capsys):
    hub.add("ada/tiny", {"a": b"1"}, "v1")
    hub.add("ada/tiny", {"a": b"1"}, "main")
    hub.notes["v1"] = "# First words\n\nMore."

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    at = ("--lock-file", str(lock_file))
    assert run("lock", "ada/tiny@main", *at)[1] == "ada/tiny@main  v1  1 files  apache-2.0\n"
    assert run("outdated", *at)[1] == "All locked names mean what they meant.\n"
    new = hub.add("ada/tiny", {"a": b"123"}, "main")
    assert run("outdated", *at)[1] == f"ada/tiny@main  v1 -> {new[:12]}  +2 B\n"
    assert run("update", *at)[0] == 0
    assert run("update", *at)[1] == "Nothing to do.\n"
    status, out, _ = run("pull", "ada/tiny@main", "--locked", *at)
    assert (status, (Path(out.strip()) / "a").read_bytes()) == (0, b"123")
    hub.yanked["v1"] = "The start token is doubled."
    assert "yanked: The start token is doubled." in run("releases", "ada/tiny")[1]


def test_a_pull_tells_the_release_and_warns_of_a_yanked_one(hub, caplog):
    hub.add("ada/tiny", {"a": b"1"}, "v1")
    hub.notes["v1"] = "# First words\n\nMore."
    with caplog.at_level(25, logger="smallhub"):
        smallhub.pull("ada/tiny@v1")
    assert caplog.messages == ["ada/tiny v1: First words"]
    caplog.clear()
    hub.yanked["v1"] = "slow"
    smallhub.pull("ada/tiny@v1")
    assert caplog.messages == ["ada/tiny v1 was yanked: slow"]
