"""Going on with many texts by their likeliest tokens, side by side: what was read is kept, rows leave when they end.

What comes out is what each text gives alone. Computing rows side by side moves the last bits of a number, so a row in
which two tokens come too close to tell leaves its batch, and is asked alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from smallhub.runtimes._room import roomy_cache
from smallhub.runtimes._scoring import only
from smallhub.runtimes._torch import CANNOT, exact, is_of_network

MAX_ROWS = 64
MAX_TOKENS = 16_384  # In one batch, what is still to be said included.
MAX_CACHE_BYTES = 512 << 20
CLOSE = 1e-5  # Of the largest logit, or of 1: ten times and more what batches move in 32-bit numbers.
LOOK_EVERY = 8  # Tokens between two looks for a stop in the text.
_TOLERANCE = 1e-3

RULE = (
    f"rows sorted by tokens; at most {MAX_ROWS} rows, {MAX_TOKENS} tokens or {MAX_CACHE_BYTES >> 20} MiB of cache at "
    f"once, padded in front; a row whose two likeliest tokens are within {CLOSE:g} of each other is computed alone"
)

Padding = Literal["front", "none", "alone"]


@dataclass(slots=True)
class Row:
    """A text that goes on. `limit` is how many tokens it may have; `is_close` says that it has to be asked alone."""

    ids: list[int]
    limit: int
    new: list[int] = field(default_factory=list)
    has_ended: bool = False
    is_close: bool = False
    is_cut: bool = False

    @property
    def is_open(self) -> bool:
        return not (self.has_ended or self.is_close or self.is_cut) and len(self.new) < self.limit


class Continuer:
    """Goes on with texts on one causal network of the transformers library."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._head = network.get_output_embeddings()
        self._bytes = _cache_bytes(network.config)
        self._padding: Padding | None = None

    def go_on(self, rows: Sequence[Row], *, ends: frozenset[int], is_cut: Callable[[Row], bool] | None = None) -> None:
        """Add tokens to each row, until an end token, its limit, or `is_cut` says that no more are wanted."""
        if self.padding == "alone":
            for row in rows:
                row.is_close = True
            return
        with exact():
            for batch in self._batches([row for row in rows if row.is_open]):
                self._run(batch, ends, is_cut)

    @property
    def padding(self) -> Padding:
        """How rows of this network can stand side by side; found out once, by trying."""
        if self._padding is None:
            short, long, other = (list(range(1, 1 + size)) for size in (3, 7, 7))
            other.reverse()
            ways: tuple[tuple[Padding, list[list[int]]], ...] = (
                ("front", [short, long]),
                ("none", [other, long]),
            )
            self._padding = self._first_that_works(ways)
        return self._padding

    def _first_that_works(self, ways: Sequence[tuple[Padding, list[list[int]]]]) -> Padding:
        for way, prompts in ways:
            if self._works(prompts):
                return way
        return "alone"

    def _works(self, prompts: list[list[int]]) -> bool:
        """Whether two made-up texts side by side have the logits that each has alone, with what was kept as well."""
        size = int(self._network.config.vocab_size)
        prompts = [[number % size for number in ids] for ids in prompts]
        try:
            with exact():
                state = _State(self._network, self._head, prompts, more=2)
                first = state.read()
                if not state.keeps_rows:
                    return False
                second = state.go_on([1 % size, 2 % size])
                for number, ids in enumerate(prompts):
                    whole = self._network(input_ids=torch.tensor([[*ids, (number + 1) % size]]), use_cache=False)
                    alone = whole.logits[0].float()
                    if not _alike(first[number], alone[-2]) or not _alike(second[number], alone[-1]):
                        return False
                state.keep([1])
                third = state.go_on([3 % size])[0]
                again = self._network(input_ids=torch.tensor([[*prompts[1], 2 % size, 3 % size]]), use_cache=False)
                return _alike(third, again.logits[0, -1].float())
        except CANNOT as error:
            if not is_of_network(error):
                raise
            return False

    def _batches(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Rows of like length together; where there can be no padding, of equal length."""
        batch: list[Row] = []
        for row in sorted(rows, key=lambda row: (len(row.ids), row.limit, row.ids)):
            longest = len(row.ids) + max(one.limit for one in [*batch, row])
            tokens = (len(batch) + 1) * longest
            is_full = len(batch) >= MAX_ROWS or tokens > MAX_TOKENS or tokens * self._bytes > MAX_CACHE_BYTES
            if batch and (is_full or (self.padding == "none" and len(batch[0].ids) != len(row.ids))):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _run(self, batch: list[Row], ends: frozenset[int], is_cut: Callable[[Row], bool] | None) -> None:
        more = max(row.limit for row in batch)
        state = _State(self._network, self._head, [row.ids for row in batch], more=more)
        logits = state.read()
        while True:
            _take(batch, logits, ends)
            if is_cut is not None:
                for row in batch:
                    row.is_cut = row.is_open and len(row.new) % LOOK_EVERY == 0 and is_cut(row)
            stay = [place for place, row in enumerate(batch) if row.is_open]
            if not stay:
                return
            if len(stay) <= 7 * len(batch) // 8:  # Leaving costs a copy of what is kept, so few leave together.
                state.keep(stay)
                batch = [batch[place] for place in stay]
            logits = state.go_on([row.new[-1] if row.is_open else 0 for row in batch])


class _State:
    """Rows of one batch, padded in front, and what the network keeps of them."""

    def __init__(self, network: Any, head: Any, prompts: Sequence[Sequence[int]], *, more: int) -> None:
        """
        Args:
            more: how many tokens are to follow each prompt at most.
        """
        self._network, self._head = network, head
        longest = max(map(len, prompts))
        self._ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        self._mask = torch.zeros(len(prompts), longest, dtype=torch.long)
        for number, ids in enumerate(prompts):
            self._ids[number, longest - len(ids) :] = torch.tensor(ids)
            self._mask[number, longest - len(ids) :] = 1
        self._is_padded = not bool(self._mask.all())
        self._cache: Any = roomy_cache(network.config, longest + more)

    def read(self) -> torch.Tensor:
        """Logits of what follows the prompts; shape (rows, vocabulary)."""
        rows, length = self._ids.shape
        with only(self._head, (torch.arange(rows), torch.full((rows,), length - 1)), self._ids.shape):
            logits = self._forward(self._ids, (self._mask.cumsum(dim=1) - 1).clamp(min=0))
        return logits[0] if logits.shape[:2] == (1, rows) and (rows, length) != (1, 1) else logits[:, -1]

    @property
    def keeps_rows(self) -> bool:
        """Whether the network gave back what it keeps, as something of which rows can be let go."""
        return hasattr(self._cache, "batch_select_indices")

    def go_on(self, chosen: Sequence[int]) -> torch.Tensor:
        """The same, one token further."""
        self._mask = torch.cat([self._mask, torch.ones(len(chosen), 1, dtype=torch.long)], dim=1)
        return self._forward(torch.tensor([[token] for token in chosen]), self._mask.sum(dim=1, keepdim=True) - 1)[
            :, -1
        ]

    def keep(self, places: Sequence[int]) -> None:
        """Let the other rows go."""
        chosen = torch.tensor(places)
        self._cache.batch_select_indices(chosen)
        self._mask = self._mask[chosen]

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        placed = {"position_ids": positions} if self._is_padded else {}
        output = self._network(
            input_ids=ids, attention_mask=self._mask, past_key_values=self._cache, use_cache=True, **placed
        )
        self._cache = getattr(output, "past_key_values", None)
        logits: torch.Tensor = output.logits.float()
        return logits


def _take(batch: Sequence[Row], logits: torch.Tensor, ends: frozenset[int]) -> None:
    """Give each open row its likeliest token, or set it aside where that is hard to tell."""
    values, tokens = logits.topk(min(2, logits.shape[1]), dim=-1)
    scale = logits.abs().amax(dim=-1).clamp(min=1.0)
    is_clear = (values[:, 0] - values[:, -1] > CLOSE * scale) if values.shape[1] > 1 else torch.isfinite(scale)
    for row, token, clear in zip(batch, tokens[:, 0].tolist(), is_clear.tolist(), strict=True):
        if not row.is_open:
            continue
        if not clear:  # This also holds where a logit is not a number.
            row.is_close = True
        elif token in ends:
            row.has_ended = True
        else:
            row.new.append(token)


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool(((one - other).abs() <= _TOLERANCE * other.abs().amax().clamp(min=1.0)).all())


def _cache_bytes(config: Any) -> int:
    """About what one token takes in memory: keys and values of every layer."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    heads = int(getattr(text, "num_attention_heads", None) or 1)
    kept = int(getattr(text, "num_key_value_heads", None) or heads)
    width = int(getattr(text, "hidden_size", None) or 1024)
    each = int(getattr(text, "head_dim", None) or width // heads)
    return int(getattr(text, "num_hidden_layers", None) or 24) * 2 * kept * each * 4
