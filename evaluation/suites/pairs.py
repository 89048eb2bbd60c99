"""The sentence-pair sets of the core suite, and the command that writes them.

    python -m evaluation.suites.pairs

rewrites `core-pairs-en` and `core-pairs-zh` byte for byte: the same tables and frames always give the same files.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.suites import pairs_en, pairs_en_words, pairs_zh, pairs_zh_words
from evaluation.suites.pairs_grammar import Pair, Phenomenon, Tables, generate

CORE = Path(__file__).parent / "core"
PAIRS_EACH = 50


@dataclass(frozen=True)
class PairSet:
    """What one language's set is made from, and the folder it goes to."""

    id: str
    phenomena: tuple[Phenomenon, ...]
    tables: Tables

    @property
    def path(self) -> Path:
        return CORE / self.id / "data" / "test.jsonl"

    def pairs(self) -> list[Pair]:
        """Generate all pairs, phenomenon by phenomenon."""
        return list(generate(self.phenomena, self.tables, pairs_each=PAIRS_EACH, seed=self.id))


ENGLISH = PairSet("core-pairs-en", pairs_en.PHENOMENA, pairs_en_words.TABLES)
CHINESE = PairSet("core-pairs-zh", pairs_zh.PHENOMENA, pairs_zh_words.TABLES)


def to_jsonl(pairs: Sequence[Pair]) -> bytes:
    """Render pairs as the lines of a data file."""
    lines = (
        {
            "id": f"{pair.phenomenon}-{pair.number:02d}",
            "phenomenon": pair.phenomenon,
            "field": pair.field,
            "good": pair.good,
            "bad": pair.bad,
        }
        for pair in pairs
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def shorter_wins(pairs: Sequence[Pair]) -> float:
    """Accuracy of always preferring the sentence with fewer UTF-8 bytes; equal lengths count as wrong."""
    return sum(len(pair.good.encode()) < len(pair.bad.encode()) for pair in pairs) / len(pairs)


def write(pair_set: PairSet) -> str:
    """Write the data file of a set; the answer is what its declaration has to say about it."""
    pairs = pair_set.pairs()
    content = to_jsonl(pairs)
    pair_set.path.parent.mkdir(parents=True, exist_ok=True)
    pair_set.path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return f"{pair_set.id}: {len(pairs)} pairs, {len(content)} bytes, shorter wins {shorter_wins(pairs):.4f}, {digest}"


if __name__ == "__main__":
    for each in (ENGLISH, CHINESE):
        sys.stdout.write(write(each) + "\n")
