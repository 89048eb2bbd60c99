"""The optional virus scanner, asked over a real socket."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from evaluation.steps import clamav
from tests.factories import clamd


def test_streams_are_sent_whole_and_answers_understood(tmp_path: Path) -> None:
    with clamd.running(tmp_path / "clamd") as address:
        ask = clamav.client(address)

        assert ask(io.BytesIO(b"harmless")) == ""
        assert ask(io.BytesIO(b"")) == ""
        assert ask(io.BytesIO(b"x" * 600_000 + b"NIGHTSHADE")) == "Test.Nightshade"
        assert clamav.fault(address) == ""
        with pytest.raises(clamav.TooLarge):
            ask(io.BytesIO(b"x" * (4 << 20)))


def test_a_silent_scanner_gives_no_verdict(tmp_path: Path) -> None:
    ask = clamav.client(f"unix://{tmp_path / 'nobody'}")

    with pytest.raises(clamav.AntivirusUnavailable, match="does not answer"):
        ask(io.BytesIO(b"x"))
    assert clamav.fault(f"unix://{tmp_path / 'nobody'}")


@pytest.mark.parametrize("answer", [b"", b"stream: Can't allocate memory ERROR\0", b"\xff\0"])
def test_an_answer_that_is_none_gives_no_verdict(tmp_path: Path, answer: bytes) -> None:
    with clamd.running(tmp_path / "clamd", answer=answer) as address, pytest.raises(clamav.AntivirusUnavailable):
        clamav.client(address)(io.BytesIO(b"x"))


@pytest.mark.parametrize("address", ["", "clamd", "unix://", "tcp://host", "http://127.0.0.1:3310"])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="no address of clamd"):
        clamav.client(address)
