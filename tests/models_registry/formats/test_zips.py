from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import zips
from models_registry.formats.errors import BadFormat


def archive(members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(zipfile.ZipInfo(name), content, compress_type=method)
        packed.comment = comment
    return stream.getvalue()


def members(content: bytes) -> tuple[zips.ZipMember, ...]:
    return zips.read_members(io.BytesIO(content), size_bytes=len(content))


def contents(content: bytes) -> dict[str, bytes]:
    stream = io.BytesIO(content)
    return {member.name: zips.read_member(stream, member, limit_bytes=10**7) for member in members(content)}


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,4})?", fullmatch=True), st.binary(max_size=300), max_size=5))
@settings(max_examples=60)
def test_ordinary_archives_are_read_whole(wanted: dict[str, bytes]) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert contents(archive(wanted, method=method)) == wanted


def test_archives_of_torch_and_numpy_are_read() -> None:
    tensors, arrays = io.BytesIO(), io.BytesIO()
    torch.save({"w": torch.ones(100, 100)}, tensors)
    np.savez_compressed(arrays, a=np.zeros(1000))

    assert "archive/data.pkl" in contents(tensors.getvalue())
    assert set(contents(arrays.getvalue())) == {"a.npy"}


def test_a_streamed_archive_with_descriptors_is_read() -> None:
    class OneWay(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, block: bytes) -> int:  # type: ignore[override]
            self.data += bytes(block)
            return len(block)

    sink = OneWay()
    with zipfile.ZipFile(sink, "w") as packed:  # type: ignore[type-var]
        packed.writestr("a", b"one")
        packed.writestr("b", b"two")

    assert contents(sink.data) == {"a": b"one", "b": b"two"}


GOOD = archive({"first": b"hello" * 50, "second": b"world" * 50})


def patched(content: bytes, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    at = content.rfind(old) if last else content.find(old)
    assert at >= 0
    return content[:at] + new + content[at + len(old) :]


def at_offset(content: bytes, signature: bytes, offset: int, new: bytes) -> bytes:
    at = content.find(signature) + offset
    return content[:at] + new + content[at + len(new) :]


def with_duplicate() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("same", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            packed.writestr("same", b"2")
    return stream.getvalue()


def deflated_bomb() -> bytes:
    return archive({"bomb": b"\0" * 50_000_000})


BAD = {
    "prefix": b"#!/bin/sh\n" + GOOD,
    "trailing byte": GOOD + b"x",
    "comment": archive({"a": b"1"}, comment=b"hidden"),
    "two end records": GOOD + GOOD[-22:],
    "appended archive": GOOD + archive({"other": b"x"}),
    "local name differs": patched(GOOD, b"first", b"fir5t"),
    "central name differs": patched(GOOD, b"first", b"fir5t", last=True),
    "local flag bit": at_offset(GOOD, b"PK\x03\x04", 6, b"\x01\x00"),
    "central flag bit": at_offset(GOOD, b"PK\x01\x02", 8, b"\x01\x00"),
    "local method differs": at_offset(GOOD, b"PK\x03\x04", 8, b"\x00\x00"),
    "local checksum differs": at_offset(GOOD, b"PK\x03\x04", 14, b"\x00\x00\x00\x01"),
    "method 99": at_offset(at_offset(GOOD, b"PK\x03\x04", 8, b"\x63\x00"), b"PK\x01\x02", 10, b"\x63\x00"),
    "wrong directory offset": GOOD[:-6] + b"\x01\x00\x00\x00\x00\x00",
    "cut short": GOOD[:-1],
    "two disks": GOOD[:-18] + b"\x01\x00" + GOOD[-16:],
    "count too high": GOOD[:-14] + b"\x03\x00\x03\x00" + GOOD[-10:],
    "count too low": GOOD[:-14] + b"\x01\x00\x01\x00" + GOOD[-10:],
    "climbing name": archive({"../up": b"x"}),
    "absolute name": archive({"/etc/x": b"x"}),
    "backslash": archive({"a\\b": b"x"}),
    "drive": archive({"c:x": b"x"}),
    "same name in other case": archive({"A": b"1", "a": b"2"}),
    "bomb": deflated_bomb(),
    "too many": archive({f"m{index}": b"" for index in range(10_001)}),
    "empty file": b"",
    "only an end": b"PK\x05\x06" + b"\0" * 10,
}


@pytest.mark.parametrize("name", BAD)
def test_archives_that_two_readers_could_read_differently_are_refused(name: str) -> None:
    with pytest.raises(BadFormat) as caught:
        contents(BAD[name])

    assert caught.value.code.startswith("zip_")


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(BadFormat, match="same name"):
        members(with_duplicate())


def test_a_wrong_checksum_is_found_on_reading() -> None:
    content = archive({"a": b"hello"}, method=zipfile.ZIP_STORED)

    with pytest.raises(BadFormat) as caught:
        contents(patched(content, b"hello", b"hallo"))

    assert caught.value.code == "zip_checksum"


def test_bytes_hidden_between_members_are_refused() -> None:
    first, second = archive({"a": b"1"}), archive({"b": b"2"})
    local_a, local_b = first[: first.find(b"PK\x01\x02")], second[: second.find(b"PK\x01\x02")]
    central_a = first[first.find(b"PK\x01\x02") : -22]
    central_b = bytearray(second[second.find(b"PK\x01\x02") : -22])
    central_b[42:46] = struct.pack("<L", len(local_a) + 6)
    directory = central_a + bytes(central_b)
    body = local_a + b"HIDDEN" + local_b
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), len(body), 0)

    with pytest.raises(BadFormat) as caught:
        members(body + directory + end)

    assert caught.value.code == "zip_gap"


def test_a_member_larger_than_asked_for_is_not_unpacked() -> None:
    content = archive({"a": b"x" * 1000})
    (member,) = members(content)

    with pytest.raises(BadFormat, match="unpacks to 1,000 bytes"):
        zips.read_member(io.BytesIO(content), member, limit_bytes=999)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=400)
def test_one_changed_byte_never_changes_what_is_read(position: int, change: int) -> None:
    """Either the archive is refused, or each member still has the content that its checksum names."""
    mutated = bytearray(GOOD)
    mutated[position] ^= change
    try:
        found = contents(bytes(mutated))
    except BadFormat:
        return
    assert sorted(map(zlib.crc32, found.values())) == sorted([zlib.crc32(b"hello" * 50), zlib.crc32(b"world" * 50)])
