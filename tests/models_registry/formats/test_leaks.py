from __future__ import annotations

import io
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import leaks

LETTERS = string.ascii_letters + string.digits


def noise(length: int, letters: str = LETTERS) -> str:
    # Drawn here, for a key written down in a test would be found by others' scans.
    return "".join(random.Random(length).choices(letters, k=length))


B32 = string.ascii_uppercase + "234567"
KEYS = {
    "AWS access key": "AKIA" + noise(16, B32),
    "Hugging Face token": "hf_" + noise(34),
    "GitHub token": "ghp_" + noise(36),
    "GitLab token": "glpat-" + noise(20),
    "OpenAI key": f"sk-proj-{noise(40)}T3BlbkFJ{noise(41)}",
    "API key": f"sk-xyz-api03-{noise(93)}",
    "Google key": "AIza" + noise(35),
    "Slack token": f"xoxb-{noise(12, string.digits)}-{noise(24)}",
    "Slack webhook": f"https://hooks.slack.com/services/T{noise(9, B32)}/B{noise(10, B32)}/{noise(24)}",
    "Stripe key": "sk_live_" + noise(24),
    "SendGrid key": f"SG.{noise(22)}.{noise(43)}",
    "npm token": "npm_" + noise(36),
    "PyPI token": "pypi-AgEIcHlwaS5vcmc" + noise(60),
    "Telegram bot token": f"{noise(9, '123456789')}:AA{noise(33)}",
    "Azure storage key": f"AccountKey={noise(86)}==",
    "Weights & Biases key": f"WANDB_API_KEY={noise(40, '0123456789abcdef')}",
    "password in an address": f"postgres://writer:{noise(16)}@db.internal:5432/x",
    "private key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{noise(70)}\n{noise(70)}\n-----END",
}


def found(text: str) -> list[leaks.Leak]:
    return leaks.find(io.BytesIO(text.encode()))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("around", ['key = "{}"\n', "a\nb\n{}", "{{'x': '{}'}}"])
def test_a_key_is_named_and_never_repeated(kind: str, around: str) -> None:
    key = KEYS[kind]
    (leak,) = found(around.format(key))

    assert leak.kind == kind
    assert leak.line == around.split("{}")[0].count("\n") + 1
    assert key[12:] not in leak.shown
    assert len(leak.shown) < 40


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "hf_" + "x" * 34,
        "hf_your_token_goes_here_please_replace",
        "postgres://user:password@localhost/db",
        "https://user:your-password@host.example",
        "mail me at https://example.org/~a:b@c",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "sk-" + "a" * 48,
        "prefixhf_" + noise(34),
        "hf_" + noise(60),
        "the ghost of sk-learn and pypi-simple",
        noise(100_000),
        "sha256:" + noise(64, "0123456789abcdef"),
    ],
)
def test_examples_and_ordinary_texts_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("before", [(1 << 20) - 10, (1 << 20) - 4096 - 5, (1 << 20), 3 * (1 << 20) - 20])
def test_a_key_across_two_blocks_is_found_once_with_its_line(before: int) -> None:
    text = "\n" * before + KEYS["GitHub token"] + "\n" + "z" * 5000

    (leak,) = found(text)
    assert leak.line == before + 1


def test_a_text_full_of_keys_ends_the_search() -> None:
    assert len(found("\n".join([KEYS["npm token"]] * 500))) == leaks.MAX_FOUND


@given(st.binary(max_size=5000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_searched(content: bytes) -> None:
    leaks.find(io.BytesIO(content * 3))
