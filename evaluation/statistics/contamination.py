"""How much of a test was in the training data that a model's card declares: shared runs of thirteen words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

N = 13
SHORTEST = 5  # A shorter item is common speech; that it occurs elsewhere says nothing.
# Words and numbers; scripts without spaces character by character.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def tokens(text: str) -> list[str]:
    """Lower-case words without punctuation; each Chinese or Japanese character is one."""
    return _TOKEN.findall(text.lower())


class Overlap:
    """Which items occur in texts that are fed one by one. The items are held, the texts are not.

    An item is seen when a text holds thirteen of its tokens in a row, or all of them where it has fewer (but five).
    """

    def __init__(self, items: Mapping[str, Iterable[str]]) -> None:
        self._owners: dict[int, dict[int, tuple[str, ...]]] = {}
        self.seen: set[str] = set()
        self.too_short: set[str] = set()
        for name, texts in items.items():
            held = [self._hold(name, tokens(text)) for text in texts]
            if not any(held):
                self.too_short.add(name)

    def _hold(self, name: str, words: list[str]) -> bool:
        size = min(N, len(words))
        if size < SHORTEST:
            return False
        known = self._owners.setdefault(size, {})
        for start in range(len(words) - size + 1):
            key = hash(tuple(words[start : start + size]))
            owners = known.get(key, ())
            if name not in owners:
                known[key] = (*owners, name)
        return True

    def feed(self, text: str) -> None:
        """Look through one text of the training data."""
        words = tokens(text)
        for size, known in self._owners.items():
            for start in range(len(words) - size + 1):
                owners = known.get(hash(tuple(words[start : start + size])))
                if owners is not None:
                    self.seen.update(owners)
