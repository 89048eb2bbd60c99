"""Log-probabilities of many token sequences with little work: what sequences begin with alike is computed once, rows
of like length share a batch, and only the positions that are asked for go through the output layer.

The rules are fixed, since batching changes the last bits of a number; `RULE` says them, and receipts keep that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from smallhub.runtimes._streams import RULE as STREAM_RULE
from smallhub.runtimes._streams import Streams, one_thread
from smallhub.runtimes._torch import CANNOT, exact, is_of_network

MAX_TOKENS = 256  # What a layer makes of so many stays in one core's own memory; more of them take longer each.
MAX_ROWS = 64
MAX_LOGITS = 32 * 1024 * 1024  # Numbers in one batch of logits: 128 MB.
MIN_SHARED = 6
MAX_SHARED_ROW = 1024
_TOLERANCE = 1e-3

RULE = (
    f"rows sorted by tokens; at most {MAX_TOKENS} tokens, {MAX_ROWS} rows or {MAX_LOGITS} logits at once; "
    f"sequences that begin with {MIN_SHARED} or more tokens alike are one row where the model allows it; "
    f"{STREAM_RULE}"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A sequence of tokens, of which those from `start` (1 or more) on are to be predicted."""

    ids: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Found:
    """The summed log-probability of what was asked, and whether each token was the likeliest at its place."""

    log_prob: float
    is_greedy: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """What is computed in one row of a batch: `shared` tokens, then the rest of each sequence, side by side.

    `positions` numbers the tokens within their sequence; `part` says whose each is (0 for shared ones, then 1, 2 …).
    `reads` has, for each sequence, its number and the places in the row that predict its targets.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    parts: tuple[int, ...]
    reads: tuple[tuple[int, tuple[int, ...]], ...]

    @property
    def is_shared(self) -> bool:
        return len(self.reads) > 1


class PackedScorer:
    """Scores sequences on one causal network of the transformers library."""

    def __init__(self, network: Any, streams: Streams | None = None) -> None:
        self._network = network
        self._vocabulary = int(network.config.vocab_size)
        self._streams = streams or Streams(network)
        self._window = _attention_window(network.config)
        self._may_share: bool | None = None

    def score(self, asked: Sequence[Asked]) -> list[Found]:
        """One answer per sequence, in their order. Equal ones are computed once, so that they are equal to the bit."""
        distinct = list(dict.fromkeys(asked))
        found = {one: Found(0.0, True) for one in distinct}
        with exact():
            batches = list(self._batches(self._rows(distinct)))
            answers = self._streams.run(lambda network, batch: _run(network, batch, distinct), batches)
            found |= {distinct[number]: answer for answered in answers for number, answer in answered}
        return [found[one] for one in asked]

    @property
    def shares_beginnings(self) -> bool:
        """Whether sequences of one beginning can be one row of this network; found out once, by trying."""
        if self._may_share is None:
            self._may_share = self._try_sharing()
        return self._may_share

    def _try_sharing(self) -> bool:
        """Score two made-up sequences alone and in one row: a network whose memory is no attention will differ."""
        size = self._vocabulary
        begin = tuple((7 * number + 3) % size for number in range(MIN_SHARED + 2))
        asked = [Asked((*begin, *(((11 + tail) * n + 5) % size for n in range(6))), len(begin)) for tail in range(2)]
        try:
            with exact(), one_thread():
                alone = _run(self._network, [_single(n, one) for n, one in enumerate(asked)], asked)
                together = _run(self._network, [_packed([0, 1], asked, len(begin))], asked)
        except CANNOT as error:
            if not is_of_network(error):
                raise
            return False
        pairs = zip(alone, together, strict=True)
        return all(abs(one.log_prob - other.log_prob) <= _TOLERANCE for (_, one), (_, other) in pairs)

    def _rows(self, asked: Sequence[Asked]) -> list[_Row]:
        """Sequences that begin alike as one row, as far as this pays; the others alone."""
        order = sorted(range(len(asked)), key=lambda number: asked[number].ids)
        rows: list[_Row] = []
        group: list[int] = []
        shared = 0
        for at, number in enumerate(order):
            common = _common(asked[group[0]], asked[number], shared) if group else 0
            # What a larger group saves, less what its own members then share no more.
            gain = common - (shared - common) * (len(group) - 1)
            ahead = _common(asked[number], asked[order[at + 1]], len(asked[number].ids)) if at + 1 < len(order) else 0
            if common >= MIN_SHARED and gain >= (ahead - common) and self._fits([*group, number], asked, common):
                group, shared = [*group, number], common
                continue
            rows += self._closed(group, asked, shared)
            group, shared = [number], len(asked[number].ids) - 1
        return rows + self._closed(group, asked, shared)

    def _closed(self, group: list[int], asked: Sequence[Asked], shared: int) -> list[_Row]:
        if len(group) > 1 and self.shares_beginnings:
            return [_packed(group, asked, shared)]
        return [_single(number, asked[number]) for number in group]

    def _fits(self, group: list[int], asked: Sequence[Asked], shared: int) -> bool:
        """Whether a row of these is no longer than is good, and the network's attention sees all of it."""
        tokens = shared + sum(len(asked[number].ids) - 1 - shared for number in group)
        return tokens <= MAX_SHARED_ROW and (self._window is None or tokens <= self._window)

    def _batches(self, rows: list[_Row]) -> Iterator[list[_Row]]:
        """Rows of one kind and like length together."""
        for is_shared in (False, True):
            kind = sorted((row for row in rows if row.is_shared is is_shared), key=lambda row: (len(row.ids), row.ids))
            batch: list[_Row] = []
            logits = 0
            for row in kind:  # Sorted by length, so this row is the longest of its batch.
                own = self._vocabulary * sum(len(places) for _, places in row.reads)
                full = (len(batch) + 1) * len(row.ids) > MAX_TOKENS or logits + own > MAX_LOGITS
                if batch and (full or len(batch) >= MAX_ROWS):
                    yield batch
                    batch, logits = [], 0
                batch, logits = [*batch, row], logits + own
            if batch:
                yield batch


def _run(network: Any, batch: list[_Row], asked: Sequence[Asked]) -> list[tuple[int, Found]]:
    """Answers of one batch with the numbers of their sequences."""
    logits, index = _forward(network, batch)
    reads = [(r, number, places) for r, row in enumerate(batch) for number, places in row.reads if places]
    lines = torch.tensor([index[r, place] for r, _, places in reads for place in places], dtype=torch.long)
    targets = torch.tensor([token for _, number, _ in reads for token in asked[number].ids[asked[number].start :]])
    chosen, likeliest = told(logits, lines, targets)
    found, at = [], 0
    for _, number, places in reads:
        end = at + len(places)
        found.append((number, Found(float(chosen[at:end].sum()), bool(likeliest[at:end].all()))))
        at = end
    return found


def told(logits: torch.Tensor, lines: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What lines of logits say of one target each: its log-probability, and whether it is the likeliest."""
    its = logits[lines, targets]
    likeliest = its == logits.amax(dim=-1)[lines]
    for line in likeliest.nonzero()[:, 0].tolist():  # Of equals the first one is taken.
        likeliest[line] = logits[lines[line]].argmax() == targets[line]
    return (its - logits.logsumexp(dim=-1)[lines]).double(), likeliest


def _forward(network: Any, batch: list[_Row]) -> tuple[torch.Tensor, dict[tuple[int, int], int]]:
    """Logits of the places that are read, shape (places, vocabulary), and where each (row, place) is in them."""
    wanted = sorted({(r, place) for r, row in enumerate(batch) for _, places in row.reads for place in places})
    index = {key: line for line, key in enumerate(wanted)}
    lines = (torch.tensor([r for r, _ in wanted]), torch.tensor([place for _, place in wanted]))
    longest = max(len(row.ids) for row in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    for r, row in enumerate(batch):
        ids[r, : len(row.ids)] = torch.tensor(row.ids)
    # Padding stands behind each row, where attention that looks back does not see it: alone, no mask is needed.
    extra = _masks(batch, longest) if batch[0].is_shared else {}
    with only(network.get_output_embeddings(), lines, ids.shape):
        logits = network(input_ids=ids, use_cache=False, **extra).logits
    is_selected = logits.shape[0] == 1 and logits.shape[1] == len(wanted)
    return (logits[0] if is_selected else logits[lines]).float(), index


@contextmanager
def only(head: Any, lines: tuple[torch.Tensor, torch.Tensor], shape: torch.Size) -> Iterator[None]:
    """Let only some places of the last hidden layer through an output layer, as one row of a batch."""

    def select(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        hidden = arguments[0]
        if hidden.ndim != 3 or hidden.shape[:2] != shape:
            return None
        return (hidden[lines].unsqueeze(0), *arguments[1:])

    if head is None:
        yield
        return
    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


def _masks(batch: list[_Row], longest: int) -> dict[str, torch.Tensor]:
    """Who sees whom: each token what is shared and what is its own sequence's, as far as it lies before."""
    parts = torch.full((len(batch), longest), -1)
    positions = torch.zeros(len(batch), longest, dtype=torch.long)
    for r, row in enumerate(batch):
        parts[r, : len(row.ids)] = torch.tensor(row.parts)
        positions[r, : len(row.ids)] = torch.tensor(row.positions)
    mine, theirs = parts.unsqueeze(2), parts.unsqueeze(1)
    before = torch.ones(longest, longest, dtype=torch.bool).tril()
    sees = before & ((theirs == 0) | (theirs == mine))
    mask = torch.zeros(sees.shape, dtype=torch.float32).masked_fill(~sees, torch.finfo(torch.float32).min)
    return {"attention_mask": mask.unsqueeze(1), "position_ids": positions}


def _single(number: int, one: Asked) -> _Row:
    ids = one.ids[:-1]
    return _Row(ids, tuple(range(len(ids))), (0,) * len(ids), ((number, tuple(range(one.start - 1, len(ids)))),))


def _packed(group: list[int], asked: Sequence[Asked], shared: int) -> _Row:
    """One row of several sequences whose first `shared` tokens are equal."""
    ids = list(asked[group[0]].ids[:shared])
    positions, parts = list(range(shared)), [0] * shared
    reads = []
    for part, number in enumerate(group, start=1):
        one = asked[number]
        tail = one.ids[shared:-1]
        at = len(ids) - shared  # What lies between the shared beginning and this sequence's own tokens.
        places = tuple(p if p < shared else p + at for p in range(one.start - 1, len(one.ids) - 1))
        reads.append((number, places))
        ids += tail
        positions += range(shared, shared + len(tail))
        parts += [part] * len(tail)
    return _Row(tuple(ids), tuple(positions), tuple(parts), tuple(reads))


def _common(first: Asked, second: Asked, limit: int) -> int:
    """How many tokens two sequences begin with alike, the last one of each not counted: nothing follows it."""
    limit = min(limit, len(first.ids) - 1, len(second.ids) - 1)
    for place in range(limit):
        if first.ids[place] != second.ids[place]:
            return place
    return limit


def _attention_window(config: Any) -> int | None:
    """How far back attention sees where it is limited: there, distance in a row is not distance in the text."""
    names = ("sliding_window", "attention_chunk_size", "window_size", "attention_window")
    limits = [value for name in names if isinstance(value := getattr(config, name, None), int) and value > 0]
    return min(limits) if limits else None
