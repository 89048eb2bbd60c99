"""N-gram language models: counted and smoothed (interpolated modified Kneser-Ney), in seconds.

Source: Chen & Goodman, An empirical study of smoothing techniques for language modeling (1998).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from training.recipes.data import Outcome, PinnedFile, Say, Source, hold_out, read_texts
from training.recipes.measures import bits_per_byte, seconds_of


@dataclass(frozen=True)
class NgramRecipe:
    """Count n-grams of bytes in all sources.

    Attributes:
        sources: every `hold_out_every`-th text of the first is kept back to measure a model of the others' counts;
            the model that is kept then counts them too.
        order: the longest n-gram, in bytes.
    """

    sources: tuple[Source, ...]
    order: int = 6
    hold_out_every: int = 8

    kind: ClassVar[str] = "ngram"
    revision: ClassVar[int] = 1

    def train(self, files: Sequence[PinnedFile], folder: Path, *, say: Say) -> Outcome:
        """Write `config.json`, `vocab.json` and `model.safetensors`; the same bytes each time."""
        from smallhub.runtimes import ngram

        began = time.monotonic()
        main, *others = [read_texts(file) for file in files]
        learnt, held_out = hold_out(main, every=self.hold_out_every)
        rest = [text for texts in others for text in texts]
        trial = ngram.train([*learnt, *rest], unit="byte", order=self.order)
        figure = round(bits_per_byte(trial, held_out), 4)
        say(f"order {self.order}: {figure:.3f} bits per byte on {len(held_out)} texts kept back")
        model = ngram.train([*main, *rest], unit="byte", order=self.order)
        model.save(folder)
        return Outcome(seconds_of(began), int(model.description()["parameters"]), {"held_out_bits_per_byte": figure})
