"""Recurrent language models over bytes (GRU or LSTM), by truncated backpropagation through time."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from training.recipes.data import Outcome, PinnedFile, Say, Source, hold_out, read_texts
from training.recipes.measures import bits_per_byte, seconds_of

SAY_EVERY_STEPS = 100
THREADS = 1  # The order in which threads add up would change the last bits of the weights.


@dataclass(frozen=True)
class RecurrentRecipe:
    """Train a network of one recurrent layer for a fixed number of steps.

    The number of steps was chosen where texts kept back stop getting better; the clock never decides, so that the
    same recipe gives the same weights on a slow machine.

    Attributes:
        sources: every `hold_out_every`-th text of the first is never learnt from; the figure is measured on these.
        window: bytes that gradients flow back through.
    """

    sources: tuple[Source, ...]
    cell: Literal["gru", "lstm"] = "gru"
    embedding_size: int = 64
    hidden_size: int = 256
    dropout: float = 0.05
    learning_rate: float = 0.012
    batch_size: int = 24
    window: int = 64
    steps: int = 600
    hold_out_every: int = 8
    seed: int = 1

    kind: ClassVar[str] = "recurrent"
    revision: ClassVar[int] = 1

    def train(self, files: Sequence[PinnedFile], folder: Path, *, say: Say) -> Outcome:
        """Write `config.json`, `vocab.json` and `model.safetensors`; the same bytes each time on one machine."""
        from smallhub.runtimes import recurrent

        began = time.monotonic()
        main, *others = [read_texts(file) for file in files]
        learnt, held_out = hold_out(main, every=self.hold_out_every)
        texts = [*learnt, *(text for other in others for text in other)]
        random.Random(self.seed).shuffle(texts)  # noqa: S311 - an order to learn in, no secret.

        said = [0]

        def tell(progress: recurrent.Progress) -> None:
            if progress.step % SAY_EVERY_STEPS == 0 and progress.step > said[-1]:  # The last step is told twice.
                said.append(progress.step)
                say(f"step {progress.step} of {self.steps}: loss {progress.loss:.3f} nats ({progress.seconds:.0f} s)")

        model = recurrent.train(
            texts,
            cell=self.cell,
            unit="byte",
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            dropout=self.dropout,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            window=self.window,
            max_steps=self.steps,
            seed=self.seed,
            threads=THREADS,
            on_progress=tell,
        )
        figure = round(bits_per_byte(model, held_out), 4)
        say(f"{figure:.3f} bits per byte on {len(held_out)} texts kept back")
        model.save(folder)
        figures = {"held_out_bits_per_byte": figure}
        return Outcome(seconds_of(began), int(model.description()["parameters"]), figures)
