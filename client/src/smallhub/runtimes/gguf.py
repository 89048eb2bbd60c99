"""Language models in GGUF: weights turned back into 32-bit floats and computed with transformers' own classes.

So scores are exact for the weights in the file, logits are whole, and nothing but torch and transformers is needed.
What a file asks for beyond that (experts, scaled positions, other architectures) is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._dequantise import Floats, read_tensor
from smallhub.runtimes._formats import gguf_file
from smallhub.runtimes._gguf_file import GgufFile, read_gguf
from smallhub.runtimes._gguf_tokenizer import read_gguf_tokenizer
from smallhub.runtimes._torch import check_finite, set_threads
from smallhub.runtimes._types import Runtime
from smallhub.runtimes.transformers import CausalModel

_BLOCK = re.compile(r"blk\.(\d{1,4})\.(.+)\.(weight|bias)")
_LLAMA = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LLAMA_ENDS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
_GPT2 = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}
_GPT2_ENDS = {
    "token_embd.weight": "transformer.wte.weight",
    "position_embd.weight": "transformer.wpe.weight",
    "output_norm.weight": "transformer.ln_f.weight",
    "output_norm.bias": "transformer.ln_f.bias",
}


class GgufModel(CausalModel):
    """A language model whose weights came out of a GGUF file."""

    runtime: ClassVar[Runtime] = "gguf"


@dataclass(frozen=True)
class Family:
    """How one architecture is called in transformers. `turned`: its queries and keys are stored in pairs."""

    config: Callable[..., Any]
    network: Callable[..., Any]
    blocks: dict[str, str]
    ends: dict[str, str]
    prefix: str = "model.layers"
    turned: bool = False
    transposed: bool = False


_FAMILIES = {
    "llama": Family(LlamaConfig, LlamaForCausalLM, _LLAMA, _LLAMA_ENDS, turned=True),
    "qwen2": Family(Qwen2Config, Qwen2ForCausalLM, _LLAMA, _LLAMA_ENDS),
    "qwen3": Family(Qwen3Config, Qwen3ForCausalLM, _LLAMA, _LLAMA_ENDS),
    "gpt2": Family(GPT2Config, GPT2LMHeadModel, _GPT2, _GPT2_ENDS, prefix="transformer.h", transposed=True),
}


def load_gguf(folder: Path, *, threads: int | None = None) -> GgufModel:
    """Read the folder's one GGUF file.

    Raises:
        UnsupportedModel: the file is broken, or asks for something that is not built here.
    """
    set_threads(threads)
    path = gguf_file(folder)
    if path is None:
        raise UnsupportedModel("missing_file", "There is no GGUF file.")
    file = read_gguf(path)
    family = family_of(file)
    tokenizer = read_gguf_tokenizer(file)
    with torch.device("meta"):  # No memory is taken for sizes that the weights do not have.
        network = family.network(_config(file, family, tokenizer))
    _fill(network, dict(_weights(file, family)))
    if broken := check_finite(network):
        raise UnsupportedModel("broken_weights", f"{broken[0]} holds NaN or infinity.")
    return GgufModel(network.eval(), tokenizer, sorted(file.by_dtype()))


def family_of(file: GgufFile) -> Family:
    """The family, if all that the file asks for is built here.

    Raises:
        UnsupportedModel: it is not; the sentence names what.
    """
    family, name = _FAMILIES.get(file.architecture), file.path.name
    if family is None:
        raise UnsupportedModel(
            "unsupported_architecture", f"{name}: {file.architecture!r} is none of {', '.join(_FAMILIES)}."
        )
    scaling = file.metadata.get(f"{file.architecture}.rope.scaling.type", "none")
    if scaling != "none" or "rope_freqs.weight" in file.tensors:
        raise UnsupportedModel("unsupported_architecture", f"{name}: scaled positions are not computed yet.")
    if file.metadata.get(f"{file.architecture}.expert_count", 0):
        raise UnsupportedModel("unsupported_architecture", f"{name}: a mixture of experts is not computed yet.")
    return family


def _config(file: GgufFile, family: Family, tokenizer: Any) -> Any:
    """transformers' configuration from the file's keys."""
    width, heads = file.integer("embedding_length"), file.integer("attention.head_count")
    vocabulary = file.tensors.get("token_embd.weight")
    if vocabulary is None or not heads or width % heads:
        raise UnsupportedModel("broken_model", f"{file.path.name}: sizes of heads or of the embedding are missing.")
    shared: dict[str, Any] = {
        "vocab_size": vocabulary.shape[0],
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": "output.weight" not in file.tensors,
    }
    context, layers = file.integer("context_length"), file.integer("block_count")
    arch = file.architecture
    if arch == "gpt2":
        epsilon = float(file.metadata.get("gpt2.attention.layer_norm_epsilon", 1e-5))
        inner = file.integer("feed_forward_length", 4 * width)
        sizes = {"n_positions": context, "n_embd": width, "n_layer": layers, "n_head": heads, "n_inner": inner}
        return family.config(**shared, **sizes, layer_norm_epsilon=epsilon)
    head = file.integer("attention.key_length", file.integer("rope.dimension_count", width // heads))
    if head != file.integer("rope.dimension_count", head) or head != file.integer("attention.value_length", head):
        raise UnsupportedModel(
            "unsupported_architecture", f"{file.path.name}: heads of several sizes are not computed."
        )
    return family.config(
        **shared,
        hidden_size=width,
        intermediate_size=file.integer("feed_forward_length"),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=file.integer("attention.head_count_kv", heads),
        head_dim=head,
        max_position_embeddings=context,
        rms_norm_eps=float(file.metadata.get(f"{arch}.attention.layer_norm_rms_epsilon", 1e-5)),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": float(file.metadata.get(f"{arch}.rope.freq_base", 10_000.0)),
        },
    )


def _weights(file: GgufFile, family: Family) -> Iterator[tuple[str, torch.Tensor]]:
    """Each weight under its name in transformers."""
    heads = file.integer("attention.head_count")
    groups = {"attn_q": heads, "attn_k": file.integer("attention.head_count_kv", heads)}
    for name, tensor in file.tensors.items():
        values = read_tensor(file.path, tensor)
        if name in family.ends:
            yield family.ends[name], torch.from_numpy(values)
        elif name == "output.weight":
            yield "lm_head.weight", torch.from_numpy(values)
        elif (found := _BLOCK.fullmatch(name)) and found[2] in family.blocks:
            if family.turned and found[2] in groups:
                values = _unturned(values, groups[found[2]])
            if family.transposed and values.ndim == 2:
                values = values.T
            target = f"{family.prefix}.{int(found[1])}.{family.blocks[found[2]]}.{found[3]}"
            yield target, torch.from_numpy(values.copy())
        else:
            raise UnsupportedModel("unexpected_weights", f"{file.path.name}: nothing is known of {name[:80]!r}.")


def _unturned(values: Floats, heads: int) -> Floats:
    """Undo how converters order rows for positions in pairs: back to the first halves, then the second ones."""
    if not heads or values.shape[0] % (2 * heads):
        raise UnsupportedModel("broken_weights", "The rows of queries or keys cannot be shared out among the heads.")
    rows = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return rows.swapaxes(1, 2).reshape(values.shape)


def _fill(network: Any, weights: dict[str, torch.Tensor]) -> None:
    """Put the weights in, all of them and no other; tables that follow from the configuration are made anew."""
    try:
        report = network.load_state_dict(weights, strict=False, assign=True)
    except RuntimeError as error:
        raise UnsupportedModel(
            "mismatched_weights", f"Weights of other sizes than declared: {str(error)[:300]}"
        ) from error
    network.tie_weights()
    tied = {"lm_head.weight"} if network.config.tie_word_embeddings else set()
    if missing := sorted(set(report.missing_keys) - tied):
        raise UnsupportedModel("missing_weights", f"{len(missing)} weights are missing, {missing[0]} for one.")
    if report.unexpected_keys:
        raise UnsupportedModel("unexpected_weights", f"Nothing is known of {report.unexpected_keys[0]}.")
    tables = [name for name, module in network.named_modules() if hasattr(module, "inv_freq")]
    for name in tables:
        network.set_submodule(name, type(network.get_submodule(name))(network.config))
    if any(buffer.is_meta for buffer in network.buffers()):
        raise UnsupportedModel("unsupported_architecture", "The network keeps tables that were not in the file.")
