"""Packs: what git wrote is read as git reads it; what nobody should write is refused soon and in little memory."""

import io
import os
import random
import subprocess
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.git.exceptions import MalformedPack, PackTooLarge
from models_registry.git.packing import write_pack
from models_registry.git.quarantine import Quarantine
from models_registry.git.unpacking import Deadline, Limits, unpack
from tests.models_registry.git import packs
from tests.requirements import require

BASE = b"a line of text\n" * 100


def read(data: bytes, limits: Limits | None = None) -> dict[str, tuple[int, bytes]]:
    """The objects of a pack by id."""
    limits = limits or Limits()
    with Quarantine() as found:
        unpack(io.BytesIO(data), found, limits=limits, deadline=Deadline(limits.seconds))
        kinds = (packs.COMMIT, packs.TREE, packs.BLOB, packs.TAG)
        return {oid: found.get(oid) or (0, b"") for kind in kinds for oid in found.of_kind(kind)}


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3, 4]), st.binary(max_size=5000)), max_size=20))
def test_what_we_write_is_read_back(objects: list[tuple[int, bytes]]) -> None:
    assert set(read(b"".join(write_pack(len(objects), objects))).values()) == set(objects)


def test_what_git_packs_with_deltas_has_the_ids_that_git_gives(tmp_path: Path) -> None:
    require("git")

    def git(*arguments: str, data: bytes | None = None) -> bytes:
        return subprocess.run(["git", *arguments], cwd=tmp_path, input=data, capture_output=True, check=True).stdout

    git("init", "-q")
    rows = [f"{random.Random(row).random()}\n" for row in range(2000)]
    for version in range(20):
        rows[version * 7] = f"changed {version}\n"
        (tmp_path / "a.txt").write_text("".join(rows))
        git("add", "-A")
        git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", f"{version}")
    for options in (["--delta-base-offset"], []):
        data = git("pack-objects", "--all", "--stdout", "-q", "--window=50", *options, data=b"")
        listed = git("rev-list", "--objects", "--all").decode().split("\n")

        assert set(read(data)) == {row.split(" ")[0] for row in listed if row}
        assert len(data) < 200_000  # There were deltas.


def test_a_delta_may_come_before_its_base() -> None:
    made = BASE + b"more"
    change = packs.delta(len(BASE), len(made), packs.copy(0, len(BASE)), packs.insert(b"more"))
    found = read(packs.pack(packs.ref_delta(packs.blob_id(BASE), change), packs.plain(packs.BLOB, BASE)))
    assert found[packs.blob_id(made).hex()] == (packs.BLOB, made)


CHANGE = packs.delta(len(BASE), 4, packs.insert(b"more"))
ENTRY = packs.plain(packs.BLOB, BASE)
HOSTILE = {
    "empty": b"",
    "no header": b"PACK",
    "wrong checksum": packs.pack(ENTRY)[:-1] + b"x",
    "cut off": packs.pack(ENTRY)[:-30],
    "other signature": b"JUNK" + packs.pack(ENTRY)[4:],
    "version 9": packs.pack(ENTRY, version=9),
    "fewer than it says": packs.pack(ENTRY, count=2),
    "more than it says": packs.pack(ENTRY, ENTRY, count=1),
    "trailing bytes": packs.pack(ENTRY, tail=b"tail"),
    "a billion objects": packs.pack(count=2**32 - 1),
    "type 0": packs.pack(packs.entry_header(0, 1) + b"x"),
    "type 5": packs.pack(packs.entry_header(5, 1) + b"x"),
    "size without end": packs.pack(b"\xff" * 40),
    "longer than it says": packs.pack(packs.plain(packs.BLOB, BASE, size=3)),
    "shorter than it says": packs.pack(packs.plain(packs.BLOB, BASE, size=10_000)),
    "no zlib": packs.pack(packs.entry_header(packs.BLOB, 5) + b"hello, hello"),
    "offset 0": packs.pack(ENTRY, packs.ofs_delta(0, CHANGE)),
    "offset before the pack": packs.pack(ENTRY, packs.ofs_delta(10**9, CHANGE)),
    "offset into the middle": packs.pack(ENTRY, packs.ofs_delta(5, CHANGE)),
    "offset without end": packs.pack(ENTRY, packs.entry_header(packs.OFS, 4) + b"\xff" * 20),
    "delta without base": packs.pack(packs.ref_delta(b"x" * 20, CHANGE)),
    "delta on itself": packs.pack(packs.ref_delta(packs.blob_id(b"more"), packs.delta(4, 4, packs.insert(b"more")))),
    "two deltas on each other": packs.pack(
        packs.ref_delta(packs.blob_id(b"two!"), packs.delta(4, 4, packs.insert(b"one!"))),
        packs.ref_delta(packs.blob_id(b"one!"), packs.delta(4, 4, packs.insert(b"two!"))),
    ),
    "delta for another base": packs.pack(ENTRY, packs.ofs_delta(len(ENTRY), packs.delta(3, 4, packs.insert(b"more")))),
    "delta past its base": packs.pack(
        ENTRY, packs.ofs_delta(len(ENTRY), packs.delta(len(BASE), 9_000, packs.copy(1_000, 9_000)))
    ),
    "delta of another size": packs.pack(
        ENTRY, packs.ofs_delta(len(ENTRY), packs.delta(len(BASE), 90, packs.insert(b"more")))
    ),
    "delta of nothing": packs.pack(ENTRY, packs.ofs_delta(len(ENTRY), b"")),
    "delta of an exabyte": packs.pack(
        ENTRY, packs.ofs_delta(len(ENTRY), packs.delta(len(BASE), 2**60, packs.copy(0, 100)))
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_packs_are_refused(name: str) -> None:
    with pytest.raises((MalformedPack, PackTooLarge)):
        read(HOSTILE[name])


@given(st.integers(0, 2**31), st.integers(0, 255))
def test_a_damaged_pack_is_read_or_refused_but_never_fails_otherwise(at: int, byte: int) -> None:
    whole = bytearray(packs.pack(ENTRY, packs.ofs_delta(len(ENTRY), CHANGE))[:-20])
    whole[at % len(whole)] = byte
    try:
        read(packs.pack(bytes(whole[12:]), count=2))
    except (MalformedPack, PackTooLarge):
        return


def test_bombs_end_soon_and_in_little_memory() -> None:
    zeros = bytes(9 * 2**20)
    entry = packs.plain(packs.BLOB, zeros)
    grow = packs.delta(len(zeros), len(zeros), *[packs.copy(0, 2**20)] * 9)
    bombs = {
        "a thousand deltas of 9 MiB": packs.pack(entry, *_deltas(entry, grow, 1_000)),
        "a thousand files of 9 MiB": packs.pack(*[entry] * 1_000),
        "one file of 4 GB": packs.pack(packs.plain(packs.BLOB, b"", size=4 * 10**9)),
        "a tree of 100 MB": packs.pack(packs.plain(packs.TREE, b"x", size=10**8)),
    }
    for name, bomb in bombs.items():
        began = time.process_time()
        tracemalloc.start()
        with pytest.raises((PackTooLarge, MalformedPack)):
            read(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert time.process_time() - began < 10, name
        assert peak_bytes < 100 * 2**20, name


def _deltas(entry: bytes, change: bytes, count: int) -> list[bytes]:
    made: list[bytes] = []
    distance = len(entry)
    for _ in range(count):
        made.append(packs.ofs_delta(distance, change))
        distance += len(made[-1])
    return made


def test_a_long_chain_of_deltas_is_refused_and_a_usual_one_is_not() -> None:
    def chain(length: int) -> bytes:
        entries, body = [packs.plain(packs.BLOB, b"0")], b"0"
        for number in range(1, length):
            text = str(number).encode()
            entries.append(packs.ofs_delta(len(entries[-1]), packs.delta(len(body), len(text), packs.insert(text))))
            body = text
        return packs.pack(*entries)

    assert len(read(chain(200))) == 200
    with pytest.raises(PackTooLarge):
        read(chain(300), Limits(delta_depth=250))


def test_a_large_file_is_noted_by_size_and_not_kept() -> None:
    body = os.urandom(200_000)
    with Quarantine() as found:
        unpack(
            io.BytesIO(packs.pack(packs.plain(packs.BLOB, body), ENTRY)),
            found,
            limits=Limits(blob_bytes=100_000),
            deadline=Deadline(10),
        )
        assert found.oversized == {packs.blob_id(body).hex(): 200_000}
        assert len(found) == 1
