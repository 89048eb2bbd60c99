"""Pulling by name: what arrives, what is shared, what is refused."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
import smallhub
from smallhub import _pull
from smallhub_test_server import TOKEN, running_hub

FILES = {"README.md": b"# Tiny\n", "config.json": b"{}", "data/weights.bin": random.Random(1).randbytes(300_000)}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".smallhub" not in path.parts
    }


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in (cache / "parts").iterdir()]


def test_a_pulled_folder_equals_the_hub_byte_for_byte(hub, cache):
    commit = hub.add("ada/tiny", FILES)

    folder = smallhub.pull("ada/tiny")

    assert contents(folder) == FILES
    assert folder.name == commit
    assert leftovers(cache) == []


def test_a_file_of_many_parts_is_put_together_right(hub, small_parts):
    hub.add("ada/tiny", FILES)

    folder = smallhub.pull("ada/tiny")

    assert contents(folder) == FILES
    ranges = sorted(start for path, start, _ in hub.ranges if path == "data/weights.bin")
    assert ranges == list(range(0, 300_000, small_parts))


def test_a_pull_asks_for_one_manifest_and_the_second_pull_for_nothing_else(hub):
    hub.add("ada/tiny", FILES)
    smallhub.pull("ada/tiny@main")
    hub.seen.clear()

    smallhub.pull("ada/tiny@main")

    assert [path for _, path, _ in hub.seen] == ["/api/v1/repositories/models/ada/tiny/manifest/main"]


def test_without_a_revision_the_latest_release_is_pulled(hub):
    hub.add("ada/tiny", {"a": b"head"}, "main")
    hub.add("ada/tiny", {"a": b"release"}, "latest")

    assert contents(smallhub.pull("ada/tiny")) == {"a": b"release"}


def test_the_head_is_not_pulled_instead_of_a_release_that_is_held(hub):
    hub.add("ada/tiny", {"a": b"head"}, "main")
    hub.latest_held.add("ada/tiny")

    with pytest.raises(smallhub.LatestHeld, match="v1 is held"):
        smallhub.pull("ada/tiny")
    assert contents(smallhub.pull("ada/tiny@main")) == {"a": b"head"}


def test_a_revision_with_a_slash_is_one_segment_of_the_address(hub):
    hub.add("ada/tiny", {"a": b"1"}, "refs/pr/1")

    smallhub.pull("ada/tiny@refs/pr/1")

    assert hub.seen[0][1].endswith("/manifest/refs%2Fpr%2F1")


def test_equal_files_of_two_versions_are_fetched_and_stored_once(hub):
    hub.add("ada/tiny", FILES, "v1")
    hub.add("ada/tiny", FILES | {"config.json": b"{ }"}, "v2")

    first = smallhub.pull("ada/tiny@v1")
    second = smallhub.pull("ada/tiny@v2")

    assert hub.bytes_sent["data/weights.bin"] == 300_000
    assert (first / "data/weights.bin").samefile(second / "data/weights.bin")
    assert (second / "config.json").read_bytes() == b"{ }"


def test_an_empty_file_arrives_without_a_request(hub):
    hub.add("ada/tiny", {"empty.txt": b""})

    assert contents(smallhub.pull("ada/tiny")) == {"empty.txt": b""}
    assert hub.ranges == []


def test_threads_that_pull_the_same_thing_fetch_it_once(hub, small_parts):
    hub.add("ada/tiny", FILES)
    hub.delay_s_per_block = 0.01
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(smallhub.pull("ada/tiny"))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [contents(folder) for folder in folders] == [FILES] * 4
    assert dict(hub.bytes_sent) == {path: len(content) for path, content in FILES.items()}


def test_processes_that_pull_the_same_thing_fetch_it_once(hub):
    hub.add("ada/tiny", FILES)
    hub.delay_s_per_block = 0.1
    command = [sys.executable, "-m", "smallhub", "pull", "ada/tiny"]

    running = [subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE) for _ in range(3)]
    folders = {process.communicate()[0].decode().strip() for process in running}

    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(folders) == 1
    assert contents(Path(folders.pop())) == FILES
    assert hub.bytes_sent["data/weights.bin"] == 300_000


def test_dir_gets_copies_that_are_the_users_own(hub, tmp_path):
    hub.add("ada/tiny", FILES)
    folder = smallhub.pull("ada/tiny", dir=tmp_path / "mine")

    (folder / "config.json").write_bytes(b"edited")

    assert folder == tmp_path / "mine"
    assert contents(smallhub.pull("ada/tiny")) == FILES


def test_a_new_version_in_dir_removes_what_is_gone_and_spares_what_the_user_changed(hub, tmp_path):
    hub.add("ada/tiny", {"old.bin": b"1", "mine.txt": b"2", "kept": b"3"}, "v1")
    hub.add("ada/tiny", {"kept": b"4"}, "v2")
    folder = smallhub.pull("ada/tiny@v1", dir=tmp_path / "out")
    (folder / "mine.txt").write_bytes(b"my notes")

    smallhub.pull("ada/tiny@v2", dir=folder)

    assert contents(folder) == {"kept": b"4", "mine.txt": b"my notes"}


def test_a_link_in_dir_that_leads_outside_is_not_followed(hub, tmp_path):
    hub.add("ada/tiny", {"sub/file": b"1"})
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "outside")

    with pytest.raises(smallhub.UnsafePath):
        smallhub.pull("ada/tiny", dir=tmp_path / "out")

    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "/etc/evil",
        "C:/evil",
        "c:evil",
        "a\\b",
        "a/../../evil",
        "a//b",
        "./a",
        "a/.",
        "nul\x00byte",
        "CON",
        "aux.txt",
        "sub/Lpt1.bin",
        "dot.",
        "space ",
        ".git/config",
        "a/.git/hooks/x",
        ".smallhub/manifest.json",
        "new\nline",
        "",
        "x" * 256,
    ],
)
def test_an_unsafe_name_from_the_server_writes_nothing(hub, tmp_path, path):
    hub.add("ada/tiny", FILES)
    hub.extra_manifest_rows = [{"path": path, "size": 0, "sha256": "0" * 64, "url": hub.url + "/x"}]

    with pytest.raises(smallhub.UnsafePath):
        smallhub.pull("ada/tiny", dir=tmp_path / "out")

    assert not (tmp_path / "out").exists()
    assert hub.ranges == []


@pytest.mark.parametrize("path", ["config.json", "config.json/inner", "data"])
def test_a_manifest_that_no_folder_can_hold_is_refused(hub, path):
    hub.add("ada/tiny", FILES)
    hub.extra_manifest_rows = [{"path": path, "size": 0, "sha256": "0" * 64, "url": ""}]

    with pytest.raises(smallhub.UnsafePath):
        smallhub.pull("ada/tiny")


@pytest.mark.parametrize("row", [{"size": -1}, {"size": "1"}, {"sha256": "xyz"}, {"path": None}, {"size": True}])
def test_a_malformed_manifest_is_a_server_error(hub, row):
    hub.add("ada/tiny", FILES)
    hub.extra_manifest_rows = [{"path": "x", "size": 1, "sha256": "0" * 64, "url": "", **row}]

    with pytest.raises(smallhub.ServerError):
        smallhub.pull("ada/tiny")


def test_a_quarantined_version_needs_a_word_from_its_user(hub):
    hub.add("ada/tiny", FILES, is_quarantined=True)

    with pytest.raises(smallhub.Quarantined):
        smallhub.pull("ada/tiny")

    assert hub.ranges == []
    assert contents(smallhub.pull("ada/tiny", allow_quarantined=True)) == FILES


def test_a_file_that_is_held_back_is_left_out_unless_its_user_insists(hub, caplog):
    hub.add("ada/tiny", FILES)
    held = sorted(FILES)[0]
    hub.held = {held: "Opening it would run os.system."}

    pulled = contents(smallhub.pull("ada/tiny"))

    assert pulled == {path: body for path, body in FILES.items() if path != held}
    assert "os.system" in caplog.text
    assert contents(smallhub.pull("ada/tiny", allow_quarantined=True)) == FILES


def test_a_version_that_was_not_scanned_comes_with_a_warning(hub, caplog):
    hub.add("ada/tiny", FILES, scan="pending")

    assert contents(smallhub.pull("ada/tiny")) == FILES
    assert "has not been scanned" in caplog.text


def test_who_wants_scanned_versions_alone_waits_for_the_scan(hub, caplog, monkeypatch):
    monkeypatch.setattr(_pull, "SCAN_LOOK_S", 0.01)
    hub.add("ada/tiny", FILES, scan=chain(["pending", "pending"], repeat("clean")))

    assert contents(smallhub.pull("ada/tiny", scanned=True)) == FILES
    assert "has not been scanned" not in caplog.text


def test_a_scan_that_does_not_come_is_not_waited_for_for_ever(hub, monkeypatch):
    monkeypatch.setattr(_pull, "SCAN_PATIENCE_S", 0.05)
    monkeypatch.setattr(_pull, "SCAN_LOOK_S", 0.01)
    hub.add("ada/tiny", FILES, scan="pending")

    with pytest.raises(smallhub.Unscanned, match="has not been scanned"):
        smallhub.pull("ada/tiny", scanned=True)
    assert hub.ranges == []


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(hub, token):
    with running_hub() as other:
        hub.add("ada/tiny", FILES, is_private=True)
        other.add("ada/tiny", FILES)
        hub.redirect_files_to = other.url

        folder = smallhub.pull("ada/tiny")

    assert contents(folder) == FILES
    assert {authorization for _, _, authorization in hub.seen} == {f"Bearer {token}"}
    assert {authorization for _, _, authorization in other.seen} == {None}


def test_the_token_is_not_sent_to_another_host_that_a_manifest_names(hub, token):
    with running_hub() as other:
        other.add("ada/tiny", FILES)
        hub.add("ada/tiny", FILES)
        hub.files_live_at = other.url

        smallhub.pull("ada/tiny")

    assert len(other.seen) == len(FILES)
    assert all(authorization is None for _, _, authorization in other.seen)


def test_a_redirect_without_end_is_refused(hub):
    hub.add("ada/tiny", FILES)
    hub.redirect_files_to = hub.url

    with pytest.raises(smallhub.UnsafeRedirect):
        smallhub.pull("ada/tiny")


def test_a_redirect_to_a_local_file_is_refused(hub):
    hub.add("ada/tiny", FILES)
    hub.redirect_files_to = "file:///etc/passwd?"

    with pytest.raises(smallhub.UnsafeRedirect):
        smallhub.pull("ada/tiny")


def test_a_private_repository_looks_missing_to_strangers_and_the_error_mentions_the_token(hub):
    hub.add("ada/secret", FILES, is_private=True)

    with pytest.raises(smallhub.RepositoryNotFound, match="login"):
        smallhub.pull("ada/secret")


def test_an_unknown_revision_is_named_as_such(hub):
    hub.add("ada/tiny", FILES)

    with pytest.raises(smallhub.RevisionNotFound):
        smallhub.pull("ada/tiny@v9")


def test_offline_mode_answers_from_the_cache_without_a_request(hub, monkeypatch):
    hub.add("ada/tiny", FILES, "v1")
    smallhub.pull("ada/tiny@v1")
    hub.seen.clear()
    monkeypatch.setenv("SMALLHUB_OFFLINE", "1")

    assert contents(smallhub.pull("ada/tiny@v1")) == FILES
    assert hub.seen == []
    with pytest.raises(smallhub.Offline, match="not in the cache"):
        smallhub.pull("ada/other")


def test_when_the_hub_is_down_the_cache_answers_with_a_warning(monkeypatch, caplog):
    with running_hub() as hub:
        monkeypatch.setenv("SMALLHUB_ENDPOINT", hub.url)
        hub.add("ada/tiny", FILES)
        smallhub.pull("ada/tiny")

    assert contents(smallhub.pull("ada/tiny")) == FILES
    assert "cached copy" in caplog.text


def test_when_the_hub_is_down_and_nothing_is_cached_the_error_says_so(monkeypatch):
    monkeypatch.setenv("SMALLHUB_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(smallhub.Offline, match=r"127\.0\.0\.1:9"):
        smallhub.pull("ada/tiny")


def test_a_changed_blob_is_noticed_and_fetched_again(hub, cache):
    hub.add("ada/tiny", FILES)
    folder = smallhub.pull("ada/tiny")
    blob = folder / "data/weights.bin"
    blob.chmod(0o644)
    with blob.open("r+b") as file:
        file.seek(1000)
        file.write(b"?")

    assert contents(smallhub.pull("ada/tiny")) == FILES


def test_a_silently_flipped_byte_in_the_cache_is_reported_by_verify_and_by_a_verifying_pull(hub):
    hub.add("ada/tiny", FILES)
    folder = smallhub.pull("ada/tiny")
    flip_silently(folder / "data/weights.bin")

    report = smallhub.verify("ada/tiny")
    with pytest.raises(smallhub.IntegrityError, match=r"data/weights\.bin"):
        smallhub.pull("ada/tiny", verify=True)

    assert [(check.path, check.state) for check in report.problems] == [("data/weights.bin", "changed")]
    assert contents(smallhub.pull("ada/tiny", verify=True)) == FILES  # The damaged copy is gone.


def flip_silently(path: Path) -> None:
    """Change a byte as a failing disk does: with no trace in the file's time stamps."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_verify_of_a_folder_names_what_is_missing_changed_and_unexpected(hub, tmp_path):
    hub.add("ada/tiny", {"a": b"1", "b": b"2", "c": b"3"})
    folder = smallhub.pull("ada/tiny", dir=tmp_path / "out")
    assert smallhub.verify(folder).ok
    (folder / "a").write_bytes(b"x")
    (folder / "b").unlink()
    (folder / "extra").write_bytes(b"")

    report = smallhub.verify(folder)

    states = {check.path: check.state for check in report.checks}
    assert states == {"a": "changed", "b": "missing", "c": "ok", "extra": "unexpected"}
    assert not report.ok


def test_a_full_disk_is_told_before_anything_is_fetched(hub, monkeypatch):
    hub.add("ada/tiny", FILES)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))

    with pytest.raises(smallhub.CacheError, match="has 1,000 left"):
        smallhub.pull("ada/tiny")

    assert hub.ranges == []


def test_pulling_needs_neither_torch_nor_numpy_nor_django(hub, tmp_path):
    hub.add("ada/tiny", FILES)
    script = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "numpy", "django", "transformers", "safetensors", "tokenizers", "hub"}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Wall())
import smallhub
assert "httpx" not in sys.modules
print(smallhub.pull("ada/tiny"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 0, done.stderr
    assert contents(Path(done.stdout.strip())) == FILES


def test_the_stored_manifest_keeps_no_addresses(hub, tmp_path):
    hub.add("ada/tiny", FILES)

    folder = smallhub.pull("ada/tiny", dir=tmp_path / "out")

    stored = json.loads((folder / ".smallhub" / "manifest.json").read_text())
    assert {row["url"] for row in stored["files"]} == {""}
    assert TOKEN not in json.dumps(stored)
