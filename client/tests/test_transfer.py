"""Bad networks, bad servers, sudden death: downloads that are cut, resumed, tampered with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import smallhub
from smallhub import _transfer
from smallhub._transfer import PartStore
from smallhub._types import ManifestFile

MIB = 1024 * 1024
WEIGHTS = random.Random(2).randbytes(300_000)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("smallhub._http.time", SimpleNamespace(sleep=lambda seconds: None))


def blobs(cache: Path) -> list[Path]:
    return [path for path in (cache / "blobs").rglob("*") if path.is_file()]


def test_after_kill_9_finished_parts_are_not_fetched_again(hub, cache):
    weights = random.Random(3).randbytes(40 * MIB)
    hub.add("ada/big", {"model.safetensors": weights})
    hub.delay_s_per_block = 0.005
    command = [sys.executable, "-m", "smallhub", "pull", "ada/big"]
    first = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
    journal = wait_for_part(cache, 1)

    first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(0.3)  # The server notices that nobody listens any more.
    finished = {int(line) for line in journal.read_text().split("\n")[1:-1]}
    with hub.lock:
        hub.bytes_sent.clear()
        hub.ranges.clear()
    hub.delay_s_per_block = 0
    second = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)

    assert second.returncode == 0, second.stderr
    assert (Path(second.stdout.strip()) / "model.safetensors").read_bytes() == weights
    assert {start // _transfer.PART_BYTES for _, start, _ in hub.ranges} == set(range(5)) - finished
    assert hub.bytes_sent["model.safetensors"] == 40 * MIB - len(finished) * _transfer.PART_BYTES


def wait_for_part(cache: Path, count: int) -> Path:
    """Wait until so many parts are in a journal, and more are still to come. Returns the journal."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for journal in cache.glob("parts/*/journal"):
            if journal.read_text().count("\n") > count:
                return journal
        time.sleep(0.01)
    raise AssertionError("No part was finished.")


def test_a_cut_connection_goes_on_where_it_ended(hub):
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.cut_after["weights.bin"] = [100_000, 50_000]

    folder = smallhub.pull("ada/tiny")

    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert [start for _, start, _ in hub.ranges] == [0, 100_000, 150_000]


def test_a_connection_that_is_always_cut_is_an_error_with_the_files_name(hub, cache):
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.cut_after["weights.bin"] = [0] * 100

    with pytest.raises(smallhub.ServerError, match=r"weights\.bin"):
        smallhub.pull("ada/tiny")

    assert blobs(cache) == []


def test_a_server_that_is_briefly_unwell_is_asked_again(hub):
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.status = {"weights.bin": [503, 429, 500], "manifest": [502]}

    assert (smallhub.pull("ada/tiny") / "weights.bin").read_bytes() == WEIGHTS


def test_bytes_that_are_wrong_once_are_fetched_anew(hub, small_parts):
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.flip["weights.bin"] = 1

    folder = smallhub.pull("ada/tiny")

    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert hub.bytes_sent["weights.bin"] == 2 * len(WEIGHTS)


@pytest.mark.parametrize("part_bytes", [65536, 8 * MIB])
def test_bytes_that_stay_wrong_are_reported_with_the_files_name_and_nothing_is_kept(
    hub, cache, monkeypatch, part_bytes
):
    monkeypatch.setattr(_transfer, "PART_BYTES", part_bytes)
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.flip["weights.bin"] = -1

    with pytest.raises(smallhub.IntegrityError, match=r"weights\.bin") as caught:
        smallhub.pull("ada/tiny")

    assert caught.value.details["path"] == "weights.bin"
    assert blobs(cache) == []
    assert list((cache / "parts").iterdir()) == []
    assert list(cache.rglob("weights.bin")) == []


def test_damage_that_the_hub_itself_noticed_is_told_at_once(hub, cache):
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.damaged = {"weights.bin"}

    with pytest.raises(smallhub.IntegrityError, match=r"weights\.bin: the hub's own copy is damaged"):
        smallhub.pull("ada/tiny")

    assert sum("/files/" in path for _, path, _ in hub.seen) == 1
    assert blobs(cache) == []


def test_wrong_bytes_after_a_resume_are_noticed(hub, cache, small_parts):
    """A part that was finished before is damaged on our own disk: the hash of the whole file tells."""
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    file = ManifestFile(
        **{key: hub.manifest("ada/tiny", "main")["files"][0][key] for key in ("path", "size", "sha256")}
    )
    store = PartStore(cache / "parts" / file.sha256, file, part_bytes=small_parts)
    store.finish(0)  # It claims to hold part 0, which is all zeros.

    folder = smallhub.pull("ada/tiny")

    assert (folder / "weights.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("ranged", [True, False])
def test_a_wrong_length_is_an_integrity_error(hub, cache, monkeypatch, ranged):
    if ranged:
        monkeypatch.setattr(_transfer, "PART_BYTES", 65536)
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.lie_about_length = {"weights.bin"}

    with pytest.raises(smallhub.IntegrityError, match=r"weights\.bin"):
        smallhub.pull("ada/tiny")

    assert blobs(cache) == []


def test_a_server_without_ranges_still_serves_files_of_many_parts(hub, small_parts):
    hub.add("ada/tiny", {"weights.bin": WEIGHTS})
    hub.ignore_ranges = True

    assert (smallhub.pull("ada/tiny") / "weights.bin").read_bytes() == WEIGHTS


def test_a_refusal_in_the_middle_keeps_the_finished_parts(hub, cache, small_parts):
    hub.add("ada/tiny", {"a.bin": WEIGHTS, "z.txt": b"small"})
    hub.status["z.txt"] = [403]

    with pytest.raises(smallhub.AccessDenied):
        smallhub.pull("ada/tiny")
    before = hub.bytes_sent["a.bin"]
    smallhub.pull("ada/tiny")

    assert hub.bytes_sent["a.bin"] < before + len(WEIGHTS) or before == 0


@pytest.mark.parametrize("damage", ["torn line", "other size", "garbage", "part out of range", "no data"])
def test_a_damaged_journal_costs_bytes_but_never_correctness(tmp_path, damage):
    file = ManifestFile(path="x", size=1000, sha256="0" * 64)
    store = PartStore(tmp_path / "p", file, part_bytes=100)
    for number in range(4):
        store.finish(number)
    journal = tmp_path / "p" / "journal"
    if damage == "torn line":
        journal.write_text(journal.read_text() + "7")
    elif damage == "other size":
        file = ManifestFile(path="x", size=999, sha256="0" * 64)
    elif damage == "garbage":
        journal.write_bytes(os.urandom(50))
    elif damage == "part out of range":
        journal.write_text(journal.read_text() + "10\n")
    else:
        (tmp_path / "p" / "data").unlink()

    missing = PartStore(tmp_path / "p", file, part_bytes=100).missing

    assert missing == ([4, 5, 6, 7, 8, 9] if damage == "torn line" else list(range(10)))


def test_parts_cover_a_file_exactly(tmp_path):
    for size in (0, 1, 99, 100, 101, 1000):
        store = PartStore(tmp_path / str(size), ManifestFile(path="x", size=size, sha256="0" * 64), part_bytes=100)
        covered = [position for number in store.missing for position in store.span(number)]
        assert covered == list(range(size))
        assert json.loads((tmp_path / str(size) / "journal").read_text().split("\n")[0])["size"] == size
