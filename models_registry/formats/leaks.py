"""Finds keys and passwords that were left in texts. What is found is named, never repeated."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BYTES = 256_000_000
MAX_FOUND = 20
_BLOCK_BYTES = 1 << 20
_OVERLAP_BYTES = 4096  # Longer than the longest key, so that none is cut in two.


@dataclass(frozen=True)
class Leak:
    """`shown` is the beginning of what was found, and its length: enough to find it again, too little to use it."""

    kind: str
    line: int
    shown: str


@dataclass(frozen=True)
class _Rule:
    """`marker` is a literal that every match contains: blocks without it are not searched."""

    kind: str
    marker: bytes
    pattern: re.Pattern[bytes]


def _rule(kind: str, marker: str, pattern: str) -> _Rule:
    # What stands before a key must not belong to it; behind it, the pattern's own length decides.
    return _Rule(kind, marker.encode(), re.compile(rb"(?<![A-Za-z0-9_])" + pattern.encode()))


_END = r"(?![A-Za-z0-9_])"
_RULES = (
    _Rule(
        "private key",
        b"PRIVATE KEY",
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)+[A-Za-z0-9+/=:, \\\r\n-]{64}"
        ),
    ),
    _rule("AWS access key", "AKIA", r"AKIA[A-Z2-7]{16}" + _END),
    _rule("AWS access key", "ASIA", r"ASIA[A-Z2-7]{16}" + _END),
    _rule("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{34,40}" + _END),
    _rule("GitHub token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,255}" + _END),
    _rule("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}" + _END),
    _rule("GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20,64}" + _END),
    _rule(
        "OpenAI key", "sk-", r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,170}T3BlbkFJ[A-Za-z0-9_-]{20,170}" + _END
    ),
    _rule("OpenAI key", "sk-", r"sk-[A-Za-z0-9]{48}" + _END),
    _rule("API key", "sk-", r"sk-[a-z]{2,6}-[a-z0-9]{4,12}-[A-Za-z0-9_-]{80,120}" + _END),
    _rule("Google key", "AIza", r"AIza[A-Za-z0-9_-]{35}" + _END),
    _rule("Slack token", "xox", r"xox[abposr]-[0-9]{8,14}-[A-Za-z0-9-]{16,200}" + _END),
    _rule(
        "Slack webhook",
        "hooks.slack.com",
        r"https://hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}" + _END,
    ),
    _rule("Stripe key", "k_live_", r"[rs]k_live_[A-Za-z0-9]{24,128}" + _END),
    _rule("SendGrid key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}" + _END),
    _rule("npm token", "npm_", r"npm_[A-Za-z0-9]{36}" + _END),
    _rule("PyPI token", "pypi-", r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,400}" + _END),
    _rule("Telegram bot token", ":AA", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}" + _END),
    _rule("Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _rule("Weights & Biases key", "WANDB_API_KEY", r"WANDB_API_KEY[\"']?\s*[=:]\s*[\"']?[0-9a-f]{40}" + _END),
    _rule(
        "password in an address",
        "://",
        r"(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqps?|https?|ftp)://[^\s:/@\"'<>]{1,64}:[^\s:/@\"'<>$*{}]{8,128}@[A-Za-z0-9.-]{4,}",
    ),
)
# Words of examples, and one letter again and again: nobody's key.
_EXAMPLE = re.compile(
    rb"EXAMPLE|example|your|YOUR|xxxx|XXXX|password|PASSWORD|placeholder|0123456789|1234567890|abcdefgh"
)
_MIN_BITS = 3.0


def find(stream: BinaryIO) -> list[Leak]:
    """Search a text from its beginning, up to 256 MB of it, and stop after twenty finds."""
    found: list[Leak] = []
    for leak in _search(stream):
        if (leak.kind, leak.line) not in {(each.kind, each.line) for each in found}:
            found.append(leak)
        if len(found) >= MAX_FOUND:
            break
    return found


def _search(stream: BinaryIO) -> Iterator[Leak]:
    stream.seek(0)
    kept, lines, done = b"", 1, 0
    while done < MAX_BYTES and (block := stream.read(_BLOCK_BYTES)):
        done += len(block)
        window = kept + block
        for rule in _RULES:
            if rule.marker not in window:
                continue
            for match in rule.pattern.finditer(window):
                # A match within what was kept has been told; one that reaches into the new block has not.
                if match.end() > len(kept) and _is_random(rule, match[0]):
                    line = lines + window.count(b"\n", 0, match.start())
                    yield Leak(rule.kind, line, _masked(match[0]))
        cut = max(0, len(window) - _OVERLAP_BYTES)
        lines += window.count(b"\n", 0, cut)
        kept = window[cut:]


def _is_random(rule: _Rule, text: bytes) -> bool:
    """Whether this may be a real key: keys are random, examples are not."""
    if rule.kind == "private key":
        return True
    secret = text.rsplit(b":", 1)[-1].split(b"@")[0] if rule.kind == "password in an address" else text
    if _EXAMPLE.search(secret):
        return False
    return _bits(secret) >= (2.5 if rule.kind == "password in an address" else _MIN_BITS)


def _bits(text: bytes) -> float:
    """Entropy of the bytes' frequencies, in bits a byte."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def _masked(text: bytes) -> str:
    """The first four characters, which only say what kind it is, and the length."""
    if text.startswith(b"-----"):
        return "-----BEGIN … PRIVATE KEY-----"
    return f"{text[:4].decode('latin-1')}… ({len(text)} characters)"
