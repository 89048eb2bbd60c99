"""Counts of parameters from names and shapes."""

from __future__ import annotations

import math

from evaluation.steps import structure
from models_registry.formats.safetensors import Tensor


def tensor(name: str, *shape: int, dtype: str = "F32") -> Tensor:
    return Tensor(name, dtype, shape, 0, 4 * math.prod(shape))


BODY = [tensor("embed_tokens.weight", 1000, 16), tensor("layers.0.w", 16, 64), tensor("mask", 9, dtype="BOOL")]
HEAD = tensor("lm_head.weight", 1000, 16)


def test_a_tied_head_is_counted_once() -> None:
    tied = structure.read([*BODY, HEAD], {"tie_word_embeddings": True})
    untied = structure.read([*BODY, HEAD], {"tie_word_embeddings": False})
    absent = structure.read(BODY, {})

    assert (tied.unique, tied.is_tied, tied.head) == (16_000 + 1024, True, 0)
    assert (untied.unique, untied.is_tied, untied.head) == (32_000 + 1024, False, 16_000)
    assert absent == tied
    assert tied.flops_per_token == untied.flops_per_token == 2 * 1024 + 2 * 16 * 1000


def test_buffers_are_not_trained_and_a_model_without_a_table_has_none() -> None:
    found = structure.read([tensor("layer.inv_freq", 8), tensor("layer.w", 4, 4)], {"hidden_size": 4})

    assert (found.unique, found.trainable, found.embedding, found.hidden) == (24, 16, 0, 4)
    assert found.flops_per_token == 32


def test_memory_falls_with_the_precision() -> None:
    found = structure.memory_by_precision(1_000_000, base_bytes=0)

    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found["32-bit"] == 5_000_000
