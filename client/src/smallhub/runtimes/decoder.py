"""Small decoder Transformers over bytes, characters or words: loading, scoring and training.

Files: `config.json` (`model_type: "smallhub-transformer"`), `vocab.json`, `model.safetensors`. The network: embedding
and learnt positions, layers that are normalised before each step, a last norm, and the embedding again as output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch

from smallhub._exceptions import Invalid
from smallhub.runtimes._attention import Cache, Stack
from smallhub.runtimes._native import NativeModel, fill, read_config
from smallhub.runtimes._torch import choose, exact, set_threads
from smallhub.runtimes._training import Progress, fit, seeded
from smallhub.runtimes._types import (
    BLOCK_TOKENS,
    LANGUAGE_MODEL,
    Generation,
    Likelihood,
    PrefixRule,
    Runtime,
    check_generation,
    end_of_prompt,
)
from smallhub.runtimes._units import BEGIN, END, UNKNOWN, Unit, Vocabulary

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

_SIZES = ("width", "heads", "layers", "context")
_BATCH_UNITS = 16 * 1024
_IGNORED = -100  # What torch's cross entropy leaves out by custom.


class Network(torch.nn.Module):
    """Predicts each next id from those before it."""

    def __init__(self, vocabulary: int, sizes: dict[str, Any], *, dropout: float = 0.0) -> None:
        super().__init__()
        self.decoder = Stack(vocabulary, **sizes, dropout=dropout)

    def forward(self, ids: torch.Tensor, cache: Cache | None = None) -> torch.Tensor:
        """Logits; shape (batch, length, vocabulary)."""
        return torch.nn.functional.linear(self.decoder(ids, cache=cache), self.decoder.embedding.weight)


class DecoderModel(NativeModel):
    """A language model of limited context. Long texts are scored in blocks, each from `<s>` on."""

    runtime: ClassVar[Runtime] = "decoder"
    model_type = "smallhub-transformer"

    def __init__(self, network: torch.nn.Module, vocabulary: Vocabulary, sizes: dict[str, int], notes: Any) -> None:
        super().__init__(network, vocabulary, sizes, notes)
        self.task = "text-generation"
        self.capabilities = LANGUAGE_MODEL
        self.block_tokens = min(sizes["context"], BLOCK_TOKENS)

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return super().description() | {"block_tokens": self.block_tokens}

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score texts in blocks; both rules of the prefix mean `<s>` here."""
        del prefix
        encoded = [self.encode(text) for text in texts]
        size = self.block_tokens
        blocks = [(n, ids[at : at + size]) for n, ids in enumerate(encoded) for at in range(0, len(ids), size)]
        sums = np.zeros(len(texts))
        blocks.sort(key=lambda block: len(block[1]))
        while blocks:
            # Like lengths share a batch, the longest first, so that little of it is padding.
            count = max(1, _BATCH_UNITS // len(blocks[-1][1]))
            blocks, group = blocks[:-count], blocks[-count:]
            for (number, _), value in zip(group, self._score([ids for _, ids in group]), strict=True):
                sums[number] += value
        return [
            Likelihood(float(total), len(ids), ids.count(UNKNOWN)) for ids, total in zip(encoded, sums, strict=True)
        ]

    def next_log_probs(self, texts: Sequence[str]) -> FloatArray:
        """Log-probabilities of the next unit; shape (texts, vocabulary); one padded batch."""
        if not texts:
            return np.zeros((0, self.vocabulary.size), dtype=np.float32)
        rows = [self._prompt(text, 0) for text in texts]
        with exact():
            logits = self.network(_padded(rows))
            last = logits[torch.arange(len(rows)), torch.tensor([len(ids) - 1 for ids in rows])]
            return np.asarray(torch.log_softmax(last, dim=-1).numpy())

    def generate(
        self,
        prompt: str,
        *,
        max_new_tokens: int = 40,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        """Go on with a text, until its end, the limit, or the end of the context.

        Raises:
            Invalid: the prompt leaves no room in the context.
        """
        check_generation(max_new_tokens=max_new_tokens, temperature=temperature)
        ids = self._prompt(prompt, 1 if max_new_tokens else 0)
        return self._go_on(ids, max_new_tokens, temperature=temperature, seed=seed, use_cache=use_cache)

    def continue_greedily(
        self, texts: Sequence[str], *, max_new_tokens: int, stops: Sequence[str] = ()
    ) -> list[Generation]:
        """Go on with many texts, one by one, each as `generate` does, but for beginnings that do not fit."""
        check_generation(max_new_tokens=max_new_tokens, temperature=0.0)
        found = []
        for text in texts:
            kept, cut = end_of_prompt(self.encode(text), self.sizes["context"] - 1)  # One place is the begin token's.
            found.append(replace(self._go_on([BEGIN, *kept], max_new_tokens), cut_tokens=cut))
        return found

    def _go_on(
        self,
        ids: list[int],
        max_new_tokens: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        start, is_ended = len(ids), False
        cache = Cache() if use_cache else None
        fresh = ids
        generator = torch.Generator().manual_seed(seed)
        with exact():
            for _ in range(min(max_new_tokens, self.sizes["context"] - start)):
                scores = self.network(torch.tensor([fresh if use_cache else ids]), cache)[0, -1]
                scores[[UNKNOWN, BEGIN]] = -torch.inf
                chosen = choose(scores, temperature=temperature, generator=generator)
                is_ended = chosen == END
                if is_ended:
                    break
                ids, fresh = [*ids, chosen], [chosen]
        text = self.decode(ids)[len(self.decode(ids[:start])) :]
        return Generation(text, tuple(ids[start:]), "stop" if is_ended else "length", start - 1)

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: config, vocabulary and weights contradict each other, or a weight is no number.
        """
        set_threads(threads)
        sizes, vocabulary, notes = read_config(folder, _SIZES)
        with torch.device("meta"):  # No memory is taken for sizes that the weights do not have.
            network = Network(vocabulary.size, sizes)
        fill(network, folder)
        return cls(network, vocabulary, sizes, notes)

    def _prompt(self, text: str, room: int) -> list[int]:
        ids = [BEGIN, *self.encode(text)]
        if len(ids) + room > self.sizes["context"]:
            raise Invalid(
                f"The prompt has {len(ids)} tokens; the context holds {self.sizes['context']}.",
                code="prompt_too_long",
                tokens=len(ids),
                context_length=self.sizes["context"],
            )
        return ids

    def _score(self, blocks: list[list[int]]) -> list[float]:
        """Summed log-probability of each block."""
        targets = _padded(blocks, filler=_IGNORED)
        with exact():
            logits = self.network(_padded([[BEGIN, *ids[:-1]] for ids in blocks]))
            loss = torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), targets, reduction="none", ignore_index=_IGNORED
            )
            return [-float(value) for value in loss.double().sum(dim=1)]


def train(
    texts: Iterable[str],
    *,
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
) -> DecoderModel:
    """Train a model on documents, cut into blocks that each begin with `<s>`.

    Equal arguments give an equal model on one machine, unless `max_seconds` ends the training early.

    Raises:
        ValueError: there is no text.
    """
    set_threads(threads)
    documents = list(texts)
    vocabulary = Vocabulary.learn(unit, documents, min_count=min_unit_count)
    rows: list[list[int]] = []
    for document in documents:
        ids = [*vocabulary.encode(document).tolist(), END]
        rows += [[BEGIN, *ids[at : at + context]] for at in range(0, len(ids), context)]
    if not rows:
        raise ValueError("There is no text to learn from.")
    sizes = {"width": width, "heads": heads, "layers": layers, "context": context}
    rng = np.random.default_rng(seed)
    with seeded(seed):
        network = Network(vocabulary.size, sizes, dropout=dropout)

        def loss_of() -> torch.Tensor:
            drawn = [rows[number] for number in rng.integers(0, len(rows), batch_size)]
            logits = network(_padded([row[:-1] for row in drawn]))
            wanted = _padded([row[1:] for row in drawn], filler=_IGNORED)
            return torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=_IGNORED)

        last = fit(
            network,
            loss_of,
            learning_rate=learning_rate,
            max_steps=max_steps,
            max_seconds=max_seconds,
            on_progress=on_progress,
        )
    notes = {"training": {"steps": last.step, "loss": round(last.loss, 4), "seed": seed}}
    return DecoderModel(network, vocabulary, sizes, notes)


def _padded(rows: Sequence[Sequence[int]], *, filler: int = 0) -> torch.Tensor:
    """Rows of ids as one tensor, filled behind, where attention that looks back does not see it."""
    result = torch.full((len(rows), max(map(len, rows))), filler)
    for number, row in enumerate(rows):
        result[number, : len(row)] = torch.tensor(row)
    return result
