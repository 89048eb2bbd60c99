"""Plain recurrent, GRU and LSTM language models over bytes or characters: loading, scoring and training.

Files: `config.json` (`model_type`: `smallhub-rnn`, `smallhub-gru` or `smallhub-lstm`), `vocab.json`,
`model.safetensors`. The network: an embedding, one or more recurrent layers, a linear layer onto the vocabulary. Gates
lie as in torch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._explain import continuation_of, parts_of
from smallhub.runtimes._files import read_object
from smallhub.runtimes._gradients import explanation, integrate, merged, owners_of
from smallhub.runtimes._torch import check_finite, choose, exact, parameter_count, set_threads
from smallhub.runtimes._types import (
    LANGUAGE_MODEL,
    Explanation,
    Generation,
    Likelihood,
    Method,
    Model,
    PrefixRule,
    Runtime,
    border,
    check_generation,
)
from smallhub.runtimes._units import BEGIN, END, UNKNOWN, Ids, Unit, Vocabulary

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

Cell = Literal["rnn", "gru", "lstm"]
State = Any  # A pair of tensors for LSTM, else one.
_LAYERS: dict[Cell, Any] = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}

_CHUNK_UNITS = 1024  # Scored at once; the state goes on, so the result does not depend on it.
_BATCH_TEXTS = 32
_MAX_SIZE = 16_384
_IGNORED = -100  # What torch's cross entropy leaves out by custom.


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a network."""

    cell: Cell
    embedding_size: int
    hidden_size: int
    layers: int


class Network(torch.nn.Module):
    """Predicts each next id from those before it."""

    def __init__(self, shape: Shape, vocabulary_size: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary_size, shape.embedding_size)
        self.recurrent = _LAYERS[shape.cell](
            shape.embedding_size,
            shape.hidden_size,
            shape.layers,
            batch_first=True,
            dropout=dropout if shape.layers > 1 else 0.0,
        )
        self.dropout = torch.nn.Dropout(dropout)
        self.output = torch.nn.Linear(shape.hidden_size, vocabulary_size)

    def forward(self, ids: torch.Tensor, state: State = None) -> tuple[torch.Tensor, State]:
        """Logits, shape (batch, time, vocabulary), and the state after the last id."""
        hidden, state = self.recurrent(self.dropout(self.embedding(ids)), state)
        return self.output(self.dropout(hidden)), state


class RecurrentModel(Model):
    """A recurrent language model. Its context has no end: the state is carried through the whole text."""

    runtime: ClassVar[Runtime] = "recurrent"

    def __init__(self, network: Network, vocabulary: Vocabulary, shape: Shape, *, notes: dict[str, Any]) -> None:
        self.task = "text-generation"
        self.capabilities = LANGUAGE_MODEL
        self.vocabulary = vocabulary
        self.shape = shape
        self.network = network.eval()
        self._notes = notes

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": f"smallhub-{self.shape.cell}",
            "parameters": parameter_count(self.network),
            "context_length": None,
            "vocabulary_size": self.vocabulary.size,
            "labels": None,
            "prefix_token": {"text": "<s>", "id": BEGIN, "rule": "document_separator"},
            "dtype": "float32",
            "unit": self.vocabulary.unit,
            **asdict(self.shape),
            **self._notes,
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        return [int(number) for number in self.vocabulary.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self.vocabulary.decode(ids)

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score texts, each from `<s>` and an empty state on; both rules of the prefix mean `<s>` here."""
        del prefix
        encoded = [self.vocabulary.encode(text) for text in texts]
        sums = np.zeros(len(texts))
        # Texts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(texts)), key=lambda number: len(encoded[number]))
        for start in range(0, len(order), _BATCH_TEXTS):
            group = order[start : start + _BATCH_TEXTS]
            sums[group] = self._score([encoded[number] for number in group])
        return [
            Likelihood(float(total), len(ids), int(np.count_nonzero(ids == UNKNOWN)))
            for ids, total in zip(encoded, sums, strict=True)
        ]

    def next_log_probs(self, texts: Sequence[str]) -> FloatArray:
        """Log-probabilities of the next unit; shape (texts, vocabulary); one padded batch."""
        encoded = [[BEGIN, *self.encode(text)] for text in texts]
        if not encoded:
            return np.zeros((0, self.vocabulary.size), dtype=np.float32)
        with exact():
            # Padding stands behind the text, where a state that runs forward does not see it.
            batch = torch.zeros(len(encoded), max(map(len, encoded)), dtype=torch.long)
            for row, ids in enumerate(encoded):
                batch[row, : len(ids)] = torch.tensor(ids)
            logits, _ = self.network(batch)
            last = logits[torch.arange(len(encoded)), torch.tensor([len(ids) - 1 for ids in encoded])]
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
        """Go on with a text; `<unk>` and `<s>` are never chosen. Without cache, the state is recomputed each time."""
        check_generation(max_new_tokens=max_new_tokens, temperature=temperature)
        ids = [BEGIN, *self.encode(prompt)]
        prompt_tokens, finish, state = len(ids) - 1, "length", None
        generator = torch.Generator().manual_seed(seed)
        with exact():
            fresh = ids
            for _ in range(max_new_tokens):
                logits, state = self.network(torch.tensor([fresh if use_cache else ids]), state if use_cache else None)
                scores = logits[0, -1].clone()
                scores[[UNKNOWN, BEGIN]] = -torch.inf
                chosen = choose(scores, temperature=temperature, generator=generator)
                if chosen == END:
                    finish = "stop"
                    break
                ids = [*ids, chosen]
                fresh = [chosen]
        new = ids[prompt_tokens + 1 :]
        text = self.decode(ids)[len(self.decode(ids[: prompt_tokens + 1])) :]
        return Generation(text, tuple(new), "stop" if finish == "stop" else "length", prompt_tokens)

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """Integrated gradients of the continuation's log-probability; the text that says nothing is of unknowns."""
        if method not in ("auto", "integrated_gradients") or not value.strip():
            return None
        context, goal = border(value, continuation_of(self, value, target))
        head, goals = self.encode(context), torch.tensor(self.encode(goal))
        spans = parts_of(context)
        ids = torch.tensor([BEGIN, *head, *goals.tolist()][:-1])
        owners = [None, *owners_of(self.vocabulary.spans(context), spans), *[None] * (len(goals) - 1)]
        silent = torch.where(torch.tensor([owner is not None for owner in owners]), UNKNOWN, ids)
        with torch.no_grad():
            embedded, baseline = self.network.embedding(ids), self.network.embedding(silent)

        def answer(rows: torch.Tensor) -> torch.Tensor:
            hidden, _ = self.network.recurrent(rows)
            values = torch.log_softmax(self.network.output(hidden[:, len(head) :]), dim=-1)
            return values.gather(2, goals.expand(len(rows), -1)[..., None]).sum((1, 2))

        found = merged(integrate(answer, embedded, baseline), owners, len(spans))
        return explanation(found, value, spans, target=goal, measure="log_probability")

    def save(self, folder: Path) -> None:
        """Write the three files into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        self.vocabulary.save(folder)
        config = {
            "model_type": f"smallhub-{self.shape.cell}",
            "architectures": [f"Smallhub{self.shape.cell.upper()}"],
            "format_version": 1,
            "unit": self.vocabulary.unit,
            "vocabulary_size": self.vocabulary.size,
            "embedding_size": self.shape.embedding_size,
            "hidden_size": self.shape.hidden_size,
            "layers": self.shape.layers,
            "notes": self._notes,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: config, vocabulary and weights contradict each other, or a weight is no number.
        """
        set_threads(threads)
        config = read_object(folder / "config.json")
        shape = _read_shape(config)
        vocabulary = Vocabulary.load(folder, unit=config.get("unit"))
        notes = config.get("notes") or {}
        if vocabulary.size != config.get("vocabulary_size") or not isinstance(notes, dict):
            raise UnsupportedModel("broken_model", "config.json and vocab.json differ in the size of the vocabulary.")
        network = Network(shape, vocabulary.size)
        try:
            network.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise UnsupportedModel("broken_weights", f"model.safetensors does not fit config.json: {error}.") from error
        if broken := check_finite(network):
            raise UnsupportedModel("broken_weights", f"{broken[0]} holds NaN or infinity.")
        return cls(network, vocabulary, shape, notes=notes)

    def _score(self, texts: Sequence[Ids]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Summed log-probability of each text; shape (texts,)."""
        longest = max(map(len, texts))
        targets = torch.full((len(texts), longest), _IGNORED)
        inputs = torch.full((len(texts), longest), BEGIN)
        for row, ids in enumerate(texts):
            targets[row, : len(ids)] = torch.from_numpy(ids)
            inputs[row, 1 : len(ids)] = torch.from_numpy(ids[:-1])
        sums = np.zeros(len(texts))
        state: State = None
        with exact():
            for start in range(0, longest, _CHUNK_UNITS):
                part = targets[:, start : start + _CHUNK_UNITS]
                logits, state = self.network(inputs[:, start : start + _CHUNK_UNITS], state)
                loss = torch.nn.functional.cross_entropy(
                    logits.transpose(1, 2), part, reduction="none", ignore_index=_IGNORED
                )
                sums -= loss.double().sum(dim=1).numpy()
        return sums


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is. `loss` is in nats per unit, averaged over the last steps."""

    step: int
    loss: float
    seconds: float


def train(
    texts: Iterable[str],
    *,
    cell: Cell = "gru",
    unit: Unit = "char",
    embedding_size: int = 64,
    hidden_size: int = 128,
    layers: int = 1,
    dropout: float = 0.0,
    learning_rate: float = 3e-3,
    batch_size: int = 32,
    window: int = 64,
    max_steps: int = 2000,
    max_seconds: float | None = None,
    min_unit_count: int = 2,
    seed: int = 0,
    threads: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RecurrentModel:
    """Train a model on documents by truncated backpropagation through time, the state going on from window to window.

    The learning rate falls to a tenth along a cosine. Equal arguments give an equal model on one machine, unless
    `max_seconds` ends the training early.

    Args:
        window: units that gradients flow back through.
        max_seconds: stop after this time, whatever `max_steps` says; the learning rate then follows the clock.
        on_progress: called every 25 steps and at the end.

    Raises:
        ValueError: the texts are too short for one batch.
    """
    set_threads(threads)
    documents = list(texts)
    vocabulary = Vocabulary.learn(unit, documents, min_count=min_unit_count)
    shape = Shape(cell=cell, embedding_size=embedding_size, hidden_size=hidden_size, layers=layers)
    rows = _rows(vocabulary, documents, batch_size)
    generator_state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        network = Network(shape, vocabulary.size, dropout=dropout)
        trainer = _Trainer(network, rows, window=window, learning_rate=learning_rate)
        last = trainer.run(max_steps=max_steps, max_seconds=max_seconds, on_progress=on_progress)
    finally:
        torch.random.set_rng_state(generator_state)  # The caller's own draws stay as they were.
    notes = {"training": {"steps": last.step, "loss": round(last.loss, 4), "units": int(rows.numel()), "seed": seed}}
    return RecurrentModel(network, vocabulary, shape, notes=notes)


class _Trainer:
    """Walks through the rows again and again."""

    def __init__(self, network: Network, rows: torch.Tensor, *, window: int, learning_rate: float) -> None:
        self._network = network.train()
        self._rows = rows
        self._window = min(window, rows.shape[1] - 1)
        self._learning_rate = learning_rate
        self._optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.01)
        self._state: State = None
        self._position = 0
        self._losses: list[float] = []

    def run(
        self, *, max_steps: int, max_seconds: float | None, on_progress: Callable[[Progress], None] | None
    ) -> Progress:
        began = time.monotonic()
        progress = Progress(0, float("nan"), 0.0)
        for step in range(1, max_steps + 1):
            seconds = time.monotonic() - began
            if max_seconds is not None and seconds >= max_seconds:
                break
            done = max(step / max_steps, seconds / max_seconds if max_seconds else 0.0)
            self._step(self._learning_rate * (0.1 + 0.45 * (1 + np.cos(np.pi * done))))
            progress = Progress(step, float(np.mean(self._losses[-50:])), seconds)
            if on_progress and step % 25 == 0:
                on_progress(progress)
        if on_progress:
            on_progress(progress)
        self._network.eval()
        return progress

    def _step(self, learning_rate: float) -> None:
        if self._position + self._window >= self._rows.shape[1]:
            self._position, self._state = 0, None
        span = self._rows[:, self._position : self._position + self._window + 1]
        self._position += self._window
        logits, state = self._network(span[:, :-1], self._state)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), span[:, 1:].flatten(), ignore_index=BEGIN)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()
        # The numbers of the state go on, the way back through it ends here.
        self._state = state.detach() if isinstance(state, torch.Tensor) else tuple(part.detach() for part in state)
        self._losses.append(float(loss.detach()))


def _rows(vocabulary: Vocabulary, documents: Sequence[str], batch_size: int) -> torch.Tensor:
    """All documents as one stream, each behind `<s>`, cut into rows of equal length; shape (rows, units)."""
    stream = np.concatenate([np.append(BEGIN, vocabulary.encode(text)) for text in documents] or [np.zeros(0, int)])
    length = len(stream) // batch_size
    if length < 2:
        raise ValueError(f"{len(stream)} units are too few to fill {batch_size} rows.")
    return torch.from_numpy(stream[: batch_size * length].reshape(batch_size, length).astype(np.int64))


def _read_shape(config: dict[str, Any]) -> Shape:
    kind = str(config.get("model_type", "")).removeprefix("smallhub-")
    sizes = [config.get(name) for name in ("embedding_size", "hidden_size", "layers")]
    is_sound = all(isinstance(size, int) and 0 < size <= _MAX_SIZE for size in sizes)
    cell: Cell | None = next((known for known in _LAYERS if known == kind), None)
    if cell is None or config.get("format_version") != 1 or not is_sound:
        raise UnsupportedModel("broken_model", "config.json is not of this format, or a size is out of range.")
    return Shape(cell, *[int(size) for size in sizes if size is not None])
