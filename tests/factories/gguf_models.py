"""Tiny random language models as GGUF files, beside the network of transformers that they were written from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from tests.factories import binary_models

_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
_TRANSPOSED = ("c_attn", "c_proj", "c_fc")
_TYPES = {"F32": 0, "F16": 1, "Q8_0": 8}
SPECIALS = ("<|endoftext|>", "<|im_start|>")


def make_llama(folder: Path, *, kind: str = "F32", tied: bool = True, **changes: Any) -> Any:
    """A Llama with grouped queries."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    network = LlamaForCausalLM(LlamaConfig(**_sizes(), tie_word_embeddings=tied, head_dim=8))
    return write(folder / "model.gguf", network, "llama", kind=kind, **changes)


def make_qwen(folder: Path) -> Any:
    """A Qwen2, whose queries and keys have biases and lie as in transformers."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    return write(folder / "model.gguf", Qwen2ForCausalLM(Qwen2Config(**_sizes())), "qwen2", kind="F32")


def make_gpt2(folder: Path) -> Any:
    """A GPT-2."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": len(vocabulary())}
    network = GPT2LMHeadModel(GPT2Config(**sizes, initializer_range=0.3, bos_token_id=0, eos_token_id=0))
    return write(folder / "model.gguf", network, "gpt2", kind="F32")


def _sizes() -> dict[str, Any]:
    return {
        "vocab_size": len(vocabulary()),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "initializer_range": 0.3,
        "bos_token_id": 1,
        "eos_token_id": 0,
    }


def vocabulary() -> list[str]:
    """Two special tokens, all bytes in the letters of byte-level tokenizers, and two merged pieces."""
    from tokenizers import pre_tokenizers

    return [*SPECIALS, *sorted(pre_tokenizers.ByteLevel.alphabet()), "th", "the"]


def write(path: Path, network: Any, architecture: str, *, kind: str, **changes: Any) -> Any:
    """Write a network; returned with its weights as the file now holds them."""
    import torch

    tensors, kept = [], {}
    tied = network.config.tie_word_embeddings
    for name, tensor in network.state_dict().items():
        target = _target(name)
        if target is None or (tied and name == "lm_head.weight"):
            continue
        values = tensor.numpy().astype(np.float32)
        chosen = kind if values.ndim == 2 and values.shape[-1] % 32 == 0 else "F32"
        kept[name] = torch.from_numpy(_rounded(values, chosen))
        stored = _stored(name, values, network.config, architecture)
        tensors.append((target, stored.shape[::-1], _TYPES[chosen], _packed(stored, chosen)))
    network.load_state_dict(kept, strict=False)
    network.tie_weights()
    metadata = _metadata(network.config, architecture) | changes
    metadata = {name: value for name, value in metadata.items() if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(binary_models.gguf(tensors, metadata=metadata))
    return network.eval()


def _target(name: str) -> str | None:
    base, _, part = name.rpartition(".")
    block = re.match(r"(?:model\.layers|transformer\.h)\.(\d+)\.", base)
    own = base[block.end() :] if block else base
    if own not in _NAMES:
        return None
    return f"blk.{block[1]}.{_NAMES[own]}.{part}" if block else f"{_NAMES[own]}.{part}"


def _stored(name: str, values: Any, config: Any, architecture: str) -> Any:
    """Converters store queries and keys of Llama with their rows in pairs, and turn GPT-2's matrices around."""
    if architecture == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
        rows = values.reshape(heads, 2, values.shape[0] // heads // 2, values.shape[1])
        return rows.swapaxes(1, 2).reshape(values.shape)
    if any(f"{part}.weight" in name for part in _TRANSPOSED):
        return np.ascontiguousarray(values.T)
    return values


def _packed(values: Any, kind: str) -> bytes:
    if kind == "F16":
        return values.astype("<f2").tobytes()
    if kind == "F32":
        return values.astype("<f4").tobytes()
    scales, numbers = _eight_bits(values)
    return b"".join(s.tobytes() + n.tobytes() for s, n in zip(scales, numbers, strict=True))


def _rounded(values: Any, kind: str) -> Any:
    if kind == "F16":
        return values.astype(np.float16).astype(np.float32)
    if kind == "F32":
        return values
    scales, numbers = _eight_bits(values)
    return (scales.astype(np.float32)[:, None] * numbers.astype(np.float32)).reshape(values.shape)


def _eight_bits(values: Any) -> tuple[Any, Any]:
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1) / 127).astype(np.float16)
    safe = np.where(scales > 0, scales.astype(np.float32), 1.0)
    return scales, np.clip(np.round(blocks / safe[:, None]), -127, 127).astype(np.int8)


def _metadata(config: Any, architecture: str) -> dict[str, Any]:
    tokens = vocabulary()
    shared = {
        "general.architecture": architecture,
        f"{architecture}.context_length": 64,
        f"{architecture}.embedding_length": 32,
        f"{architecture}.block_count": 2,
        f"{architecture}.attention.head_count": 4,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3, 3, *[1] * (len(tokens) - 2)],
        "tokenizer.ggml.merges": ["t h", "th e"],
        "tokenizer.ggml.bos_token_id": config.bos_token_id,
        "tokenizer.ggml.eos_token_id": config.eos_token_id,
    }
    if architecture == "gpt2":
        return shared | {"gpt2.feed_forward_length": 128, "gpt2.attention.layer_norm_epsilon": 1e-5}
    return shared | {
        f"{architecture}.feed_forward_length": 64,
        f"{architecture}.attention.head_count_kv": 2,
        f"{architecture}.attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        f"{architecture}.rope.freq_base": 10_000.0,
    }
