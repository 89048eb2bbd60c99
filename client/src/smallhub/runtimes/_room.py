"""A cache of keys and values that has its room from the start, so that one more token copies none of those before."""

from __future__ import annotations

from typing import Any

import torch
from transformers import cache_utils

# Older editions of the library know no layers; there a network makes its own cache.
_Layer: Any = getattr(cache_utils, "DynamicLayer", object)


class RoomyLayer(_Layer):  # type: ignore[misc]
    """Keys and values of one layer, in memory taken at once."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **named: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write what is new behind the rest; give all of it."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._held = [states.new_empty(self._shape(states)) for states in (key_states, value_states)]
        before = self.get_seq_length()
        length = before + key_states.shape[-2]
        for held, states in zip(self._held, (key_states, value_states), strict=True):
            held[:, :, before:length] = states
        self._show(length)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some of the rows."""
        length = self.get_seq_length()
        for number, held in enumerate(self._held):
            kept = held.new_empty((len(indices), *held.shape[1:]))
            kept[:, :, :length] = held[indices, :, :length]
            self._held[number] = kept
        self._show(length)

    def _shape(self, states: torch.Tensor) -> tuple[int, ...]:
        return (*states.shape[:2], self._room, states.shape[3])

    def _show(self, length: int) -> None:
        self.keys, self.values = (held[:, :, :length] for held in self._held)


def roomy_cache(config: Any, room: int) -> Any:
    """A cache for `room` tokens; None where a network keeps more than plain keys and values, and makes its own."""
    if _Layer is object:
        return None
    try:
        cache: Any = cache_utils.DynamicCache(config=config)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    if not cache.layers or any(type(layer) is not _Layer for layer in cache.layers):
        return None
    cache.layers = [RoomyLayer(room) for _ in cache.layers]
    return cache
