"""Greedy decoding of an encoder-decoder, several rows at once, each token computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smallhub.runtimes._files import read_object
from smallhub.runtimes._torch import exact


@dataclass(frozen=True, slots=True)
class Start:
    """How a decoder begins: its first input, then a token that it must say first, if any, then more of them."""

    start_id: int
    forced_id: int | None = None
    more: tuple[int, ...] = ()

    def ids(self) -> list[int]:
        """All of it, in order."""
        return [self.start_id, *([] if self.forced_id is None else [self.forced_id]), *self.more]


class TokenSettings:
    """The ids by which a model begins, ends and forbids: the generation settings' word, else the configuration's.

    They are read from the files themselves, since the library's classes drop what newer ones of them no longer name.
    """

    def __init__(self, folder: Path, network: Any) -> None:
        self._sources: list[dict[str, Any]] = []
        for name in ("generation_config.json", "config.json"):
            if (folder / name).is_file():
                self._sources.append(read_object(folder / name))
        self._config = network.config
        self._size = int(network.config.vocab_size)

    def first(self, name: str) -> int | None:
        """One id, the first where there are several; None where nothing sound is said."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[int, ...]:
        """All ids of a setting, those outside of the vocabulary left out."""
        for source in self._sources:
            if source.get(name) is not None:
                return self._sound(source[name])
        return self._sound(getattr(self._config, name, None))

    def word(self, name: str) -> Any:
        """A setting of any kind as it stands in the files; None where nothing is said."""
        return next((source[name] for source in self._sources if source.get(name) is not None), None)

    def _sound(self, value: Any) -> tuple[int, ...]:
        values = value if isinstance(value, list) else [value]
        return tuple(number for number in values if type(number) is int and 0 <= number < self._size)


def decode_greedily(
    network: Any,
    inputs: dict[str, torch.Tensor],
    start: Start,
    *,
    limits: Sequence[int],
    end_id: int,
    banned: Sequence[int] = (),
    banned_first: Sequence[int] = (),
) -> list[list[int]]:
    """Take the likeliest token each time (the first of equals), until the end token or a row's limit.

    Args:
        inputs: what the encoder takes; one row for each answer.
        limits: how many tokens each row may have, the end token not counted.
        banned: tokens that are never said; `banned_first` only not as the first one.

    Returns:
        The tokens of each row, neither start nor end among them.
    """
    rows: list[list[int]] = [[] for _ in limits]
    is_open = [limit > 0 for limit in limits]
    with exact():
        encoded = network.get_encoder()(**inputs)
        mask = {name: value for name, value in inputs.items() if name == "attention_mask"}
        fresh = torch.tensor([start.ids()] * len(rows))
        cache = None
        while any(is_open):
            output = network(
                encoder_outputs=encoded, decoder_input_ids=fresh, past_key_values=cache, use_cache=True, **mask
            )
            cache = output.past_key_values
            logits = output.logits[:, -1].float()
            logits[:, list(banned)] = -torch.inf
            if not any(rows):
                logits[:, list(banned_first)] = -torch.inf
            chosen = logits.argmax(dim=-1).tolist()
            for number, token in enumerate(chosen):
                if not is_open[number] or token == end_id:
                    is_open[number] = False
                    continue
                rows[number].append(token)
                is_open[number] = len(rows[number]) < limits[number]
            fresh = torch.tensor([[token] for token in chosen])
    return rows
