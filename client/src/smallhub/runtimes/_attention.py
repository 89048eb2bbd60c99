"""Transformer layers of our own small families: normalised before each step, positions learnt, caches of keys."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Cache:
    """Keys and values of what was read: per layer those of the text itself, and those of the source."""

    own: dict[int, Pair] = field(default_factory=dict)
    source: dict[int, Pair] = field(default_factory=dict)
    length: int = 0


class Attention(torch.nn.Module):
    """Attention with several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = torch.nn.Linear(width, width)
        self.key = torch.nn.Linear(width, width)
        self.value = torch.nn.Linear(width, width)
        self.output = torch.nn.Linear(width, width)

    def pair(self, source: torch.Tensor) -> Pair:
        """Keys and values of what is attended to; shape (batch, heads, length, width of a head)."""
        return self._split(self.key(source)), self._split(self.value(source))

    def forward(self, wanting: torch.Tensor, pair: Pair, mask: torch.Tensor | None) -> torch.Tensor:
        """Args:
        mask: true where a position may look; shape (batch or 1, 1, wanting, attended).
        """
        found = torch.nn.functional.scaled_dot_product_attention(
            self._split(self.query(wanting)), *pair, attn_mask=mask
        )
        merged: torch.Tensor = self.output(found.transpose(1, 2).flatten(2))
        return merged

    def _split(self, values: torch.Tensor) -> torch.Tensor:
        batch, length, width = values.shape
        return values.reshape(batch, length, self.heads, width // self.heads).transpose(1, 2)


class Layer(torch.nn.Module):
    """Self-attention, attention to a source where there is one, and a small network, each added to what was there."""

    def __init__(self, width: int, heads: int, *, has_source: bool, dropout: float) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.source_norm = torch.nn.LayerNorm(width) if has_source else None
        self.source_attention = Attention(width, heads) if has_source else None
        self.inner_norm = torch.nn.LayerNorm(width)
        self.inner = torch.nn.Linear(width, 4 * width)
        self.outer = torch.nn.Linear(4 * width, width)
        self.dropout = torch.nn.Dropout(dropout)

    def forward(
        self,
        hidden: torch.Tensor,
        mask: torch.Tensor | None,
        *,
        source: torch.Tensor | None = None,
        source_mask: torch.Tensor | None = None,
        cache: Cache | None = None,
        number: int = 0,
    ) -> torch.Tensor:
        normed = self.norm(hidden)
        pair = self.attention.pair(normed)
        if cache is not None:
            if number in cache.own:
                before = cache.own[number]
                pair = (torch.cat([before[0], pair[0]], dim=2), torch.cat([before[1], pair[1]], dim=2))
            cache.own[number] = pair
        hidden = hidden + self.dropout(self.attention(normed, pair, mask))
        if self.source_attention is not None and self.source_norm is not None and source is not None:
            far = cache.source.get(number) if cache is not None else None
            far = far or self.source_attention.pair(source)
            if cache is not None:
                cache.source[number] = far
            hidden = hidden + self.dropout(self.source_attention(self.source_norm(hidden), far, source_mask))
        inner = torch.nn.functional.gelu(self.inner(self.inner_norm(hidden)))
        result: torch.Tensor = hidden + self.dropout(self.outer(inner))
        return result


class Stack(torch.nn.Module):
    """Embedding, positions, layers and a last norm. With `looks_ahead` every position sees all others."""

    def __init__(
        self,
        vocabulary: int,
        *,
        width: int,
        heads: int,
        layers: int,
        context: int,
        dropout: float = 0.0,
        looks_ahead: bool = False,
        has_source: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, width)
        self.positions = torch.nn.Embedding(context, width)
        self.layers = torch.nn.ModuleList(
            Layer(width, heads, has_source=has_source, dropout=dropout) for _ in range(layers)
        )
        self.norm = torch.nn.LayerNorm(width)
        self.dropout = torch.nn.Dropout(dropout)
        self._looks_ahead = looks_ahead
        torch.nn.init.normal_(self.embedding.weight, std=width**-0.5)
        torch.nn.init.normal_(self.positions.weight, std=0.02)

    def forward(
        self,
        ids: torch.Tensor,
        *,
        present: torch.Tensor | None = None,
        source: torch.Tensor | None = None,
        source_present: torch.Tensor | None = None,
        cache: Cache | None = None,
    ) -> torch.Tensor:
        """Hidden states; shape (batch, length, width).

        Args:
            present: which ids are no padding; shape (batch, length). Padding behind the text needs it only where
                positions look ahead.
        """
        before = cache.length if cache is not None else 0
        length = ids.shape[1]
        places = torch.arange(before, before + length)
        hidden = self.dropout(self.embedding(ids) + self.positions(places))
        mask = None if self._looks_ahead else places[:, None] >= torch.arange(before + length)[None]
        if self._looks_ahead and present is not None:
            mask = present[:, None, None, :]
        far = source_present[:, None, None, :] if source_present is not None else None
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden, mask, source=source, source_mask=far, cache=cache, number=number)
        if cache is not None:
            cache.length += length
        result: torch.Tensor = self.norm(hidden)
        return result
