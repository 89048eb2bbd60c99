"""Going on with many texts by their likeliest tokens, side by side: what was read is kept, rows leave when they end.

What comes out is what each text gives alone. Computing rows side by side moves the last bits of a number, so a row in
which two tokens come too close to tell leaves its batch, and is asked alone.

Texts that go on by one token are often asked next how likely something is behind them. What was read of them is kept
for that, as far as there is room, until it is asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from smallhub.runtimes._room import RoomyLayer, roomy_cache
from smallhub.runtimes._scoring import MAX_TOKENS as READ_TOKENS
from smallhub.runtimes._scoring import Asked, Found, only, told
from smallhub.runtimes._streams import Streams, one_thread
from smallhub.runtimes._torch import CANNOT, exact, is_of_network

MAX_ROWS = 64
MAX_TOKENS = 16_384  # In one batch, what is still to be said included.
MAX_CACHE_BYTES = 512 << 20
CLOSE = 1e-5  # Of the largest logit, or of 1: ten times and more what batches move in 32-bit numbers.
MAX_BEHIND = 16  # Tokens behind a text that was read, whose likelihood can be asked without reading it again.
LOOK_EVERY = 8  # Tokens between two looks for a stop in the text.
_TOLERANCE = 1e-3

RULE = (
    f"rows sorted by tokens; at most {MAX_ROWS} rows, {MAX_TOKENS} tokens or {MAX_CACHE_BYTES >> 20} MiB of cache at "
    f"once, padded in front; a row whose two likeliest tokens are within {CLOSE:g} of each other is computed alone; "
    f"up to {MAX_BEHIND} tokens behind a text that went on by one are scored on what was kept of it"
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

    def __init__(self, network: Any, streams: Streams | None = None) -> None:
        self._network = network
        self._streams = streams or Streams(network)
        self._bytes = _cache_bytes(network.config)
        self._padding: Padding | None = None
        self._may_follow = False
        self._kept: dict[tuple[int, ...], tuple[_State, int]] = {}
        self._kept_bytes = 0

    def go_on(self, rows: Sequence[Row], *, ends: frozenset[int], is_cut: Callable[[Row], bool] | None = None) -> None:
        """Add tokens to each row, until an end token, its limit, or `is_cut` says that no more are wanted."""
        if self.padding == "alone":
            for row in rows:
                row.is_close = True
            return
        with exact():
            self._go_on_by_one([row for row in rows if row.is_open and row.limit == 1], ends)
            for batch in self._batches([row for row in rows if row.is_open], MAX_TOKENS):
                self._run(batch, ends, is_cut)

    def behind(self, asked: Sequence[Asked]) -> dict[Asked, Found]:
        """Answers to what is asked behind texts that were kept; the others are left out. What was kept is let go."""
        jobs: dict[int, tuple[_State, dict[int, Asked]]] = {}
        for one in dict.fromkeys(asked):
            state, row = self._kept.get(one.ids[: one.start], (None, 0))
            if state is not None and len(one.ids) - one.start <= MAX_BEHIND:
                jobs.setdefault(id(state), (state, {}))[1].setdefault(row, one)
        if not jobs:
            return {}
        self._kept, self._kept_bytes = {}, 0
        with exact():
            answers = self._streams.run(lambda network, job: job[0].behind(network, job[1]), list(jobs.values()))
        return {one: found for answered in answers for one, found in answered.items()}

    def _go_on_by_one(self, rows: Sequence[Row], ends: frozenset[int]) -> None:
        """Read texts in streams, since most of the work is in what they have already."""
        batches = list(self._batches(rows, READ_TOKENS))
        for batch, state in zip(batches, self._streams.run(_read, batches), strict=True):
            _take(batch, state.last, ends)
            size = state.last.nbytes + self._bytes * len(batch) * (len(batch[-1].ids) + MAX_BEHIND)
            if self._may_follow and self._kept_bytes + size <= MAX_CACHE_BYTES:
                self._kept |= {tuple(row.ids): (state, place) for place, row in enumerate(batch)}
                self._kept_bytes += size

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
            with exact(), one_thread():
                state = _State(self._network, prompts, more=4)
                first = state.read(self._network)
                if not state.keeps_rows:
                    return False
                second = state.go_on(self._network, torch.tensor([[1 % size], [2 % size]]))[:, -1]
                for number, ids in enumerate(prompts):
                    whole = self._network(input_ids=torch.tensor([[*ids, (number + 1) % size]]), use_cache=False)
                    alone = whole.logits[0].float()
                    if not _alike(first[number], alone[-2]) or not _alike(second[number], alone[-1]):
                        return False
                state.keep([1])
                third = state.go_on(self._network, torch.tensor([[3 % size]]))[0, -1]
                return _alike(third, self._next([*prompts[1], 2 % size, 3 % size])[-1]) and self._try_following(
                    state, [*prompts[1], 2 % size, 3 % size], [4 % size, 5 % size]
                )
        except CANNOT as error:
            if not is_of_network(error):
                raise
            return False

    def _next(self, ids: list[int]) -> torch.Tensor:
        """All logits of one text alone."""
        logits: torch.Tensor = self._network(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()
        return logits

    def _try_following(self, state: _State, before: list[int], after: list[int]) -> bool:
        """Find out whether more than one token can be read on what was kept; either way texts can go on."""
        if state.keeps_all:
            read = state.go_on(self._network, torch.tensor([after]))[0]
            self._may_follow = _alike(read, self._next([*before, *after])[-len(after) :])
        return True

    def _batches(self, rows: Sequence[Row], most: int) -> Iterator[list[Row]]:
        """Rows of like length together; where there can be no padding, of equal length."""
        batch: list[Row] = []
        for row in sorted(rows, key=lambda row: (len(row.ids), row.limit, row.ids)):
            longest = len(row.ids) + max(one.limit for one in [*batch, row])
            tokens = (len(batch) + 1) * longest
            is_full = len(batch) >= MAX_ROWS or tokens > most or tokens * self._bytes > MAX_CACHE_BYTES
            if batch and (is_full or (self.padding == "none" and len(batch[0].ids) != len(row.ids))):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _run(self, batch: list[Row], ends: frozenset[int], is_cut: Callable[[Row], bool] | None) -> None:
        more = max(row.limit for row in batch)
        state = _State(self._network, [row.ids for row in batch], more=more)
        logits = state.read(self._network)
        for step in itertools.count(1):
            _take(batch, logits, ends)
            if is_cut is not None:
                for row in batch:
                    row.is_cut = row.is_open and len(row.new) % LOOK_EVERY == 0 and is_cut(row)
            stay = [place for place, row in enumerate(batch) if row.is_open]
            if not stay:
                return
            # Leaving costs a copy of what is kept, so few leave together; but nobody stays beyond the context's end.
            is_full = any(row.limit <= step and not row.is_open for row in batch)
            if is_full or len(stay) <= 7 * len(batch) // 8:
                state.keep(stay)
                batch = [batch[place] for place in stay]
            chosen = torch.tensor([[row.new[-1] if row.is_open else 0] for row in batch])
            logits = state.go_on(self._network, chosen)[:, -1]


class _State:
    """Rows of one batch, padded in front, and what the network keeps of them."""

    last: torch.Tensor  # Logits of what follows the prompts, once they are read; shape (rows, vocabulary).

    def __init__(self, network: Any, prompts: Sequence[Sequence[int]], *, more: int) -> None:
        """
        Args:
            more: how many tokens are to follow each prompt at most.
        """
        longest = max(map(len, prompts))
        self._ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        self._mask = torch.zeros(len(prompts), longest, dtype=torch.long)
        for number, ids in enumerate(prompts):
            self._ids[number, longest - len(ids) :] = torch.tensor(ids)
            self._mask[number, longest - len(ids) :] = 1
        self._is_padded = not bool(self._mask.all())
        self._cache: Any = roomy_cache(network.config, longest + more)

    def read(self, network: Any) -> torch.Tensor:
        """Read the prompts; gives `last`."""
        rows, length = self._ids.shape
        lines = (torch.arange(rows), torch.full((rows,), length - 1))
        with only(network.get_output_embeddings(), lines, self._ids.shape):
            logits = self._forward(network, self._ids, (self._mask.cumsum(dim=1) - 1).clamp(min=0))
        is_selected = logits.shape[:2] == (1, rows) and (rows, length) != (1, 1)
        self.last = logits[0] if is_selected else logits[:, -1]
        return self.last

    @property
    def keeps_rows(self) -> bool:
        """Whether the network gave back what it keeps, as something of which rows can be let go."""
        return hasattr(self._cache, "batch_select_indices")

    @property
    def keeps_all(self) -> bool:
        """Whether what it keeps is all keys and values, in our own layers."""
        return all(isinstance(layer, RoomyLayer) for layer in getattr(self._cache, "layers", ())) and self.keeps_rows

    def go_on(self, network: Any, ids: torch.Tensor, own: torch.Tensor | None = None) -> torch.Tensor:
        """Logits behind each of some more tokens a row; shape (rows, tokens, vocabulary).

        Args:
            own: how many of them are a row's own; shape (rows, 1). What fills it up stands at no place beyond these.
        """
        begin, steps = self._mask.sum(dim=1, keepdim=True), torch.arange(ids.shape[1])
        positions = begin + (steps if own is None else steps.minimum((own - 1).clamp(min=0)))
        self._mask = torch.cat([self._mask, torch.ones(ids.shape, dtype=torch.long)], dim=1)
        return self._forward(network, ids, positions)

    def behind(self, network: Any, asked: dict[int, Asked]) -> dict[Asked, Found]:
        """What is asked behind the prompt of each row. The state is used up."""
        tails = {row: one.ids[one.start : -1] for row, one in asked.items()}
        read = [(row, place) for row, tail in tails.items() for place in range(len(tail))]
        logits = self.last[list(asked)]
        if read:
            ids = torch.zeros(len(self._ids), max(map(len, tails.values())), dtype=torch.long)
            own = torch.zeros(len(self._ids), 1, dtype=torch.long)
            for row, tail in tails.items():  # What stands behind a row's own tokens is not seen by them.
                ids[row, : len(tail)] = torch.tensor(tail)
                own[row] = len(tail)
            lines = (torch.tensor([row for row, _ in read]), torch.tensor([place for _, place in read]))
            with only(network.get_output_embeddings(), lines, ids.shape):
                found = self.go_on(network, ids, own)
            is_selected = found.shape[:2] == (1, len(read))
            logits = torch.cat([logits, found[0] if is_selected else found[lines]])
        owners = [*asked, *(row for row, _ in read)]
        targets = [one.ids[one.start] for one in asked.values()]
        targets += [asked[row].ids[asked[row].start + 1 + place] for row, place in read]
        chosen, likeliest = told(logits, torch.arange(len(owners)), torch.tensor(targets))
        sums, flags = dict.fromkeys(asked, 0.0), dict.fromkeys(asked, True)
        for row, value, flag in zip(owners, chosen.tolist(), likeliest.tolist(), strict=True):
            sums[row] += value
            flags[row] = flags[row] and flag
        return {one: Found(sums[row], flags[row]) for row, one in asked.items()}

    def keep(self, places: Sequence[int]) -> None:
        """Let the other rows go."""
        chosen = torch.tensor(places)
        self._cache.batch_select_indices(chosen)
        self._mask = self._mask[chosen]

    def _forward(self, network: Any, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        placed = {"position_ids": positions} if self._is_padded else {}
        output = network(
            input_ids=ids, attention_mask=self._mask, past_key_values=self._cache, use_cache=True, **placed
        )
        self._cache = getattr(output, "past_key_values", None)
        logits: torch.Tensor = output.logits.float()
        return logits


def _read(network: Any, batch: Sequence[Row]) -> _State:
    """A state that has read the prompts, with room behind them."""
    state = _State(network, [row.ids for row in batch], more=MAX_BEHIND)
    state.read(network)
    return state


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
