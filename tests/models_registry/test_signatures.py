"""What we send is what our own sample receiver takes, once and in time."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from models_registry.signatures import DELIVERY, SECRET, SIGNATURE, TIMESTAMP, headers_of, sign

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "webhook_receiver.py"
BODY = b'{"event":{"action":"update","scope":"repo.content"}}'


@pytest.fixture(scope="module")
def sample() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_receiver", SAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def message(**changes: object) -> dict[str, str]:
    known: dict[str, object] = {"timestamp_s": 1_000_000, "delivery": "d-1", "body": BODY}
    return dict(headers_of("s3cret", **(known | changes)))  # type: ignore[arg-type]


def test_a_message_is_taken_once(sample) -> None:
    inbox = sample.Inbox("s3cret")

    assert inbox.refusal(message(), BODY, now_s=1_000_010) == ""
    assert "already" in inbox.refusal(message(), BODY, now_s=1_000_020)
    assert inbox.refusal(message(delivery="d-2"), BODY, now_s=1_000_020) == ""


@pytest.mark.parametrize(
    ("later_s", "taken"), [(0, True), (299, True), (-299, True), (301, False), (360, False), (-360, False)]
)
def test_a_message_that_is_replayed_after_six_minutes_is_refused(sample, later_s, taken) -> None:
    reason = sample.Inbox("s3cret").refusal(message(), BODY, now_s=1_000_000 + later_s)

    assert (reason == "") is taken


@pytest.mark.parametrize("name", [SIGNATURE, TIMESTAMP, DELIVERY])
def test_what_was_changed_on_the_way_is_refused(sample, name) -> None:
    inbox = sample.Inbox("s3cret")
    changed = message()
    changed[name] = changed[name][:-1] + ("0" if changed[name][-1] != "0" else "1")

    assert inbox.refusal(changed, BODY, now_s=1_000_000)
    assert inbox.refusal(message(), BODY + b" ", now_s=1_000_000)
    assert inbox.refusal({}, BODY, now_s=1_000_000)
    assert sample.Inbox("another").refusal(message(), BODY, now_s=1_000_000)


def test_the_secret_travels_as_the_public_hub_sends_it_and_without_one_nothing_is_signed() -> None:
    assert message()[SECRET] == "s3cret"
    assert not {SECRET, SIGNATURE} & headers_of("", timestamp_s=1, delivery="d", body=b"").keys()


def test_parts_of_a_message_cannot_change_places() -> None:
    assert sign("s", timestamp_s=1, delivery="2", body=b"x") != sign("s", timestamp_s=12, delivery="", body=b"x")
