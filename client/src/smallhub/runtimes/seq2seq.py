"""Small encoder-decoder Transformers over bytes, characters or words: translating, scoring and training.

Files: `config.json` (`model_type: "smallhub-seq2seq"`, `purpose`: `translate` or `summarize`), `vocab.json` (one
vocabulary for both sides), `model.safetensors`. The decoder begins with `<s>` and ends with `</s>`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._attention import Cache, Stack
from smallhub.runtimes._files import read_object
from smallhub.runtimes._native import NativeModel, fill, read_config
from smallhub.runtimes._torch import exact, set_threads
from smallhub.runtimes._training import Progress, fit, seeded
from smallhub.runtimes._types import Capability, Likelihood, Runtime, check_generation
from smallhub.runtimes._units import BEGIN, END, UNKNOWN, Unit, Vocabulary

Purpose = Literal["translate", "summarize"]
_SIZES = ("width", "heads", "layers", "context")
_BATCH = 16
_IGNORED = -100  # What torch's cross entropy leaves out by custom.


class Network(torch.nn.Module):
    """Reads a source, and predicts each next id of a target from it and the ids before."""

    def __init__(self, vocabulary: int, sizes: dict[str, Any], *, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = Stack(vocabulary, **sizes, dropout=dropout, looks_ahead=True)
        self.decoder = Stack(vocabulary, **sizes, dropout=dropout, has_source=True)

    def forward(
        self, ids: torch.Tensor, read: torch.Tensor, present: torch.Tensor, cache: Cache | None = None
    ) -> torch.Tensor:
        """Logits; shape (batch, length, vocabulary).

        Args:
            read: what the encoder made of the sources; shape (batch, source length, width).
            present: which positions of the sources are no padding.
        """
        hidden = self.decoder(ids, source=read, source_present=present, cache=cache)
        return torch.nn.functional.linear(hidden, self.decoder.embedding.weight)


class Seq2SeqModel(NativeModel):
    """Turns one text into another. Sources and targets beyond the context are cut at its end."""

    runtime: ClassVar[Runtime] = "seq2seq"
    model_type = "smallhub-seq2seq"

    def __init__(
        self, network: torch.nn.Module, vocabulary: Vocabulary, sizes: dict[str, int], notes: Any, *, purpose: Purpose
    ) -> None:
        super().__init__(network, vocabulary, sizes, notes)
        self.task = "text2text-generation"
        self.purpose = purpose
        shared: frozenset[Capability] = frozenset({"conditional_log_likelihood", "tokenize"})
        self.capabilities = shared | {purpose}

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        ids = {"decoder_start_id": BEGIN, "end_id": END}
        return super().description() | ids | {"purpose": self.purpose, "prefix_token": None}

    def translate(
        self, texts: Sequence[str], *, source: str = "", target: str = "", max_new_tokens: int | None = None
    ) -> list[str]:
        """Translate greedily. The model knows one direction, so the codes change nothing."""
        del source, target
        if self.purpose != "translate":
            raise self._incapable("translate")
        return self._greedy(texts, max_new_tokens)

    def summarize(self, texts: Sequence[str], *, max_new_tokens: int = 128) -> list[str]:
        """Summarise greedily."""
        if self.purpose != "summarize":
            raise self._incapable("summarize")
        return self._greedy(texts, max_new_tokens)

    def conditional_log_likelihood(
        self, texts: Sequence[str], *, targets: Sequence[str], source: str = "", target: str = ""
    ) -> list[Likelihood]:
        """Score each target given its source, its end included. The model has one pair of languages alone."""
        sources = [self._cut(self.encode(text)) for text in texts]
        wanted = [[*self.encode(goal), END][: self.sizes["context"]] for goal in targets]
        values = [0.0] * len(sources)
        pairs = list(zip(sources, wanted, strict=True))
        order = sorted(range(len(pairs)), key=lambda number: tuple(map(len, pairs[number])))
        for start in range(0, len(order), _BATCH):
            group = order[start : start + _BATCH]
            with exact():
                read, present = self._read([sources[number] for number in group])
                loss = _loss(self.network, read, present, [wanted[number] for number in group], reduction="none")
                for number, value in zip(group, loss.double().sum(dim=1).tolist(), strict=True):
                    values[number] = -value
        return [Likelihood(v, len(ids), ids.count(UNKNOWN)) for v, ids in zip(values, wanted, strict=True)]

    def save(self, folder: Path) -> None:
        """Write the three files, and what the model is for."""
        super().save(folder)
        config = read_object(folder / "config.json") | {"purpose": self.purpose}
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: config, vocabulary and weights contradict each other, or a weight is no number.
        """
        set_threads(threads)
        sizes, vocabulary, notes = read_config(folder, _SIZES)
        purpose = read_object(folder / "config.json").get("purpose")
        if purpose not in ("translate", "summarize"):
            raise UnsupportedModel("broken_model", "config.json: 'purpose' is neither translate nor summarize.")
        with torch.device("meta"):  # No memory is taken for sizes that the weights do not have.
            network = Network(vocabulary.size, sizes)
        fill(network, folder)
        return cls(network, vocabulary, sizes, notes, purpose="translate" if purpose == "translate" else "summarize")

    def _greedy(self, texts: Sequence[str], max_new_tokens: int | None) -> list[str]:
        check_generation(max_new_tokens=max_new_tokens or 0, temperature=0.0)
        results = [""] * len(texts)
        sources = [self._cut(self.encode(text)) for text in texts]
        order = sorted(range(len(texts)), key=lambda number: len(sources[number]))
        for start in range(0, len(order), _BATCH):
            group = order[start : start + _BATCH]
            limits = [2 * len(sources[n]) + 20 if max_new_tokens is None else max_new_tokens for n in group]
            written = self._write([sources[number] for number in group], min(max(limits), self.sizes["context"]))
            for number, ids, limit in zip(group, written, limits, strict=True):
                results[number] = self.decode(ids[:limit])
        return results

    def _write(self, sources: list[list[int]], most: int) -> list[list[int]]:
        """The likeliest next id each time, until `</s>` or the limit."""
        written: list[list[int]] = [[] for _ in sources]
        open_rows = set(range(len(sources)))
        with exact():
            read, present = self._read(sources)
            cache, fresh = Cache(), torch.full((len(sources), 1), BEGIN)
            for _ in range(most):
                scores = self.network(fresh, read, present, cache)[:, -1]
                scores[:, [UNKNOWN, BEGIN]] = -torch.inf
                chosen = scores.argmax(dim=-1)
                for row, number in enumerate(chosen.tolist()):
                    if number == END:
                        open_rows.discard(row)
                    elif row in open_rows:
                        written[row].append(number)
                if not open_rows:
                    break
                fresh = chosen[:, None]
        return written

    def _read(self, sources: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        return _read(self.network, sources)

    def _cut(self, ids: list[int]) -> list[int]:
        """A source within the context, with its end, so that no source is empty."""
        return [*ids[: self.sizes["context"] - 1], END]


def train(
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    purpose: Purpose = "translate",
    unit: Unit = "char",
    width: int = 64,
    heads: int = 4,
    layers: int = 2,
    context: int = 128,
    dropout: float = 0.0,
    learning_rate: float = 2e-3,
    batch_size: int = 16,
    max_steps: int = 1000,
    max_seconds: float | None = None,
    min_unit_count: int = 2,
    seed: int = 0,
    threads: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Seq2SeqModel:
    """Train a model on pairs of texts.

    Equal arguments give an equal model on one machine, unless `max_seconds` ends the training early.

    Raises:
        ValueError: there are no pairs, or sources and targets differ in number.
    """
    set_threads(threads)
    vocabulary = Vocabulary.learn(unit, [*sources, *targets], min_count=min_unit_count)
    pairs = [
        ([*vocabulary.encode(a).tolist()[: context - 1], END], [*vocabulary.encode(b).tolist(), END][:context])
        for a, b in zip(sources, targets, strict=True)
    ]
    if not pairs:
        raise ValueError("There is no pair of texts to learn from.")
    sizes = {"width": width, "heads": heads, "layers": layers, "context": context}
    rng = np.random.default_rng(seed)
    with seeded(seed):
        network = Network(vocabulary.size, sizes, dropout=dropout)

        def loss_of() -> torch.Tensor:
            drawn = [pairs[number] for number in rng.integers(0, len(pairs), batch_size)]
            read, present = _read(network, [source for source, _ in drawn])
            return _loss(network, read, present, [target for _, target in drawn], reduction="mean")

        last = fit(
            network,
            loss_of,
            learning_rate=learning_rate,
            max_steps=max_steps,
            max_seconds=max_seconds,
            on_progress=on_progress,
        )
    notes = {"training": {"steps": last.step, "loss": round(last.loss, 4), "seed": seed}}
    return Seq2SeqModel(network, vocabulary, sizes, notes, purpose=purpose)


def _read(network: Any, sources: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, sources))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in sources])
    present = torch.tensor([[place < len(row) for place in range(longest)] for row in sources])
    return network.encoder(ids, present=present), present


def _loss(
    network: Any, read: torch.Tensor, present: torch.Tensor, targets: list[list[int]], *, reduction: str
) -> torch.Tensor:
    longest = max(map(len, targets))
    wanted = torch.tensor([[*row, *[_IGNORED] * (longest - len(row))] for row in targets])
    given = torch.tensor([[BEGIN, *row[:-1], *[0] * (longest - len(row))] for row in targets])
    logits = network(given, read, present)
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), wanted, reduction=reduction, ignore_index=_IGNORED)
