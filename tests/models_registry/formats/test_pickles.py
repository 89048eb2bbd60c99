from __future__ import annotations

import collections
import io
import os
import pickle
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import pickles

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Runs:
    """An inert gadget: the command would only print."""

    def __reduce__(self) -> tuple:
        return os.system, ("echo canary",)


def scan(content: bytes) -> pickles.PickleReport:
    return pickles.scan(io.BytesIO(content))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_is_named_in_every_protocol(protocol: int) -> None:
    report = scan(pickle.dumps({"a": [1, Runs()], "b": "x" * 100_000}, protocol=protocol))

    assert report.would_run == ("os.system",)
    assert report.broken is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_calls_nothing(protocol: int) -> None:
    value = {"text": "a" * 1000, "list": list(range(300)), "nested": {"x": (1, 2.5, None, True)}, "raw": b"1" * 500}
    report = scan(pickle.dumps(value, protocol=protocol))

    assert report.broken is None
    assert report.unknown == ()


def test_tensors_alone_are_within_the_allow_list() -> None:
    stream = io.BytesIO()
    state = collections.OrderedDict(w=torch.ones(2, 3), half=torch.ones(2).half(), p=torch.nn.Parameter(torch.ones(1)))
    torch.save(state, stream, _use_new_zipfile_serialization=False)
    stream.seek(0)

    report = pickles.scan(stream)

    assert report.unknown == ()
    assert report.streams == 5
    assert report.broken is None


def test_numpy_arrays_are_within_the_allow_list() -> None:
    assert scan(pickle.dumps(np.arange(5))).unknown == ()


GADGETS: dict[str, tuple[bytes, str]] = {
    "GLOBAL and REDUCE": (b"cos\nsystem\n(S'x'\ntR.", "os.system"),
    "INST": (b"(S'x'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'x'\no.", "os.system"),
    "posix is os": (b"cposix\nsystem\n(S'x'\ntR.", "os.system"),
    "through the memo": (b"cos\nsystem\np7\n0g7\n(S'x'\ntR.", "os.system"),
    "names from the memo": (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x01x\x85R.", "os.system"),
    "STACK_GLOBAL": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.", "os.system"),
    "old string for STACK_GLOBAL": (b"S'os'\nS'system'\n\x93(S'x'\ntR.", "os.system"),
    "duplicated": (b"cos\nsystem\n2(S'x'\ntR.", "os.system"),
    "BUILD of an import": (b"cos\nenviron\n}b.", "os.environ"),
    "SETITEM of an import": (b"cos\nenviron\nS'a'\nS'b'\ns.", "os.environ"),
    "APPEND to an import": (b"csys\npath\nS'/x'\na.", "sys.path"),
    "extension registry": (b"\x80\x02\x82\x01)R.", "copyreg.extension 1"),
    "computed name": (b"\x80\x04N\x8c\x06system\x93)R.", "a name that it computes"),
    "broken after the payload": (b"cos\nsystem\n(S'x'\ntR\xff\xff\xff", "os.system"),
    "NEWOBJ": (b"\x80\x02csubprocess\nPopen\n(S'x'\nt\x81.", "subprocess.Popen"),
    "second pickle": (pickle.dumps(1) + b"cos\nsystem\n(S'x'\ntR.", "os.system"),
}  # fmt: skip


@pytest.mark.parametrize("name", GADGETS)
def test_every_way_to_call_is_seen(name: str) -> None:
    content, expected = GADGETS[name]

    assert expected in scan(content).would_run


names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)


@given(names, names)
@settings(max_examples=500)
def test_no_name_outside_the_allow_list_is_ever_safe(module: str, name: str) -> None:
    report = scan(f"c{module}\n{name}\n(S'x'\ntR.".encode())

    assert report.would_run or f"{module}.{name}" in pickles.ALLOWED_GLOBALS


def test_the_allow_list_is_short() -> None:
    assert len(pickles.ALLOWED_GLOBALS) < 30


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_any_bytes_are_walked_without_harm(content: bytes) -> None:
    report = scan(content)

    assert report.broken is None or isinstance(report.broken, str)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04",
        b"\x80\x04K\x01",
        b"\x80\x09K\x01.",
        b"N" * 3_000_000,
        b"]2" * 1_500_000 + b".",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
        b"\x80\x02\x8b" + struct.pack("<i", -1) + b".",
        b"g99\n.",
        b"R.",
        b"I" + b"9" * 17_000_000,
    ],
    ids=range(11),
)
def test_what_cannot_be_read_to_its_end_is_broken_not_clean(content: bytes) -> None:
    assert scan(content).broken


def test_a_cycle_ends() -> None:
    loop: list = []
    loop.append(loop)

    assert scan(pickle.dumps(loop)).broken is None


@pytest.mark.parametrize("text", [b"import os\nprint(1)\n", b"cat foo\nbar\nRun it\n", b"(hello)\n", b"# title\n"])
def test_ordinary_text_is_not_a_program(text: bytes) -> None:
    assert not scan(text).would_run
