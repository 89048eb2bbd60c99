"""How a model's parameters are laid out, as far as names and shapes tell: the embedding, ties, what was learnt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models_registry.formats.safetensors import Tensor

_EMBEDDING = re.compile(
    r"(^|\.)(wte|embed_tokens|word_embeddings?|tok_embeddings|token_embd|shared|embeddings?)\.weight$"
)
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output_projection|decoder|output)\.weight$")
# Tables that a program computes and a trainer never touches.
_BUFFER = re.compile(
    r"(^|\.)(inv_freq|running_mean|running_var|num_batches_tracked|position_ids|masked_bias|attn\.bias)$"
)
_TABLES = frozenset({"I64", "U64", "BOOL"})
_HIDDEN_KEYS = ("hidden_size", "n_embd", "d_model", "dim", "embedding_size", "word_embed_proj_dim")
# What one parameter takes in memory, by the precision in which a runtime could hold it.
_PRECISIONS = {"32-bit": 4.0, "16-bit": 2.0, "8-bit": 1.0625, "4-bit": 0.5625}
_WORKING_FACTOR = 1.25


@dataclass(frozen=True)
class Structure:
    """Counts of parameters.

    `unique`: a tied head that is stored again is counted once. `trainable`: without buffers. `embedding`: the table
    from tokens to vectors, `head`: the one back, 0 where it is the same. `hidden` × `rows` is that table's shape.
    """

    unique: int
    trainable: int
    embedding: int = 0
    head: int = 0
    hidden: int = 0
    rows: int = 0
    is_tied: bool = False

    @property
    def flops_per_token(self) -> int:
        """An estimate for one forward step: twice the parameters besides the tables, and twice the way to the words."""
        inner = self.trainable - self.embedding - self.head
        return 2 * inner + 2 * self.hidden * self.rows


def read(tensors: Iterable[Tensor], config: Mapping[str, Any]) -> Structure:
    """Tell the structure from headers and config.json. Without an embedding all parameters count as inner ones."""
    learnt = [each for each in tensors if each.dtype not in _TABLES]
    table = _largest(each for each in learnt if _EMBEDDING.search(each.name))
    head = _largest(each for each in learnt if _HEAD.search(each.name) and table and each.shape == table.shape)
    is_tied = config.get("tie_word_embeddings") is not False and (
        head is None or config.get("tie_word_embeddings") is True
    )
    total = sum(each.elements for each in learnt)
    unique = total - (head.elements if head and is_tied else 0)
    buffers = sum(each.elements for each in learnt if _BUFFER.search(each.name))
    rows, hidden = (table.shape[0], table.shape[1]) if table else (0, _hidden(config))
    return Structure(
        unique=unique,
        trainable=unique - buffers,
        embedding=table.elements if table else 0,
        head=head.elements if head and not is_tied else 0,
        hidden=hidden,
        rows=rows,
        is_tied=bool(table) and is_tied,
    )


def is_embedding(name: str) -> bool:
    """Whether a tensor is called like a table from tokens to vectors."""
    return _EMBEDDING.search(name) is not None


def is_head(name: str) -> bool:
    """Whether a tensor is called like the table back to tokens."""
    return _HEAD.search(name) is not None


def bytes_by_dtype(tensors: Iterable[Tensor]) -> dict[str, int]:
    """Bytes of all tensors by number format, e.g. `{"F16": 2048}`."""
    counts: dict[str, int] = {}
    for tensor in tensors:
        counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.size_bytes
    return counts


def _largest(found: Iterable[Tensor]) -> Tensor | None:
    return max((each for each in found if len(each.shape) == 2), key=lambda each: each.elements, default=None)


def _hidden(config: Mapping[str, Any]) -> int:
    return next((config[key] for key in _HIDDEN_KEYS if type(config.get(key)) is int and config[key] > 0), 0)


def memory_by_precision(parameters: int, *, base_bytes: int) -> dict[str, int]:
    """What the loaded model should take by precision: the library, the weights, and a quarter more to work in."""
    return {
        name: base_bytes + int(parameters * size_bytes * _WORKING_FACTOR) for name, size_bytes in _PRECISIONS.items()
    }
