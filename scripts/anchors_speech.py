"""Whisper as others pack it, in CTranslate2's file of named arrays, turned into the layout of transformers.

Only read as arrays: a count, then for each its name, shape, type of number and bytes. Used by `scripts/anchors`.
"""

import json
import shutil
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Arrays = dict[str, "np.ndarray[Any, np.dtype[Any]]"]

_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_NORM = {"gamma": "weight", "beta": "bias"}


def as_transformers(source: Path, target: Path) -> Path:
    """Write `config.json`, weights, tokenizer and the numbers of its input into `target`."""
    import transformers
    from safetensors.numpy import save_file

    stored = _read(source / "model.bin")
    own = json.loads((source / "config.json").read_text())
    tokens = {
        each["content"]: each["id"] for each in json.loads((source / "tokenizer.json").read_text())["added_tokens"]
    }
    begin, end = tokens["<|startoftranscript|>"], tokens["<|endoftext|>"]
    width = stored["decoder/embeddings/weight"].shape[1]
    inner = stored["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    heads = int(stored["encoder/num_heads"])
    transformers.WhisperConfig(
        vocab_size=len(stored["decoder/embeddings/weight"]), d_model=width,
        num_mel_bins=stored["encoder/conv1/weight"].shape[1],
        encoder_layers=_layers(stored, "encoder"), decoder_layers=_layers(stored, "decoder"),
        encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_ffn_dim=inner, decoder_ffn_dim=inner,
        max_source_positions=len(stored["encoder/position_encodings/encodings"]),
        max_target_positions=len(stored["decoder/position_encodings/encodings"]),
        bos_token_id=end, eos_token_id=end, pad_token_id=end, decoder_start_token_id=begin,
        architectures=["WhisperForConditionalGeneration"],
    ).save_pretrained(target)  # fmt: skip
    save_file(dict(_renamed(stored)), target / "model.safetensors", metadata={"format": "pt"})
    settings = {"eos_token_id": end, "decoder_start_token_id": begin, "is_multilingual": len(tokens) > 107}
    settings |= {"suppress_tokens": own["suppress_ids"], "begin_suppress_tokens": own["suppress_ids_begin"]}
    settings |= {"no_timestamps_token_id": tokens["<|notimestamps|>"]}
    (target / "generation_config.json").write_text(json.dumps(settings))
    (target / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "WhisperTokenizer"}))
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    transformers.WhisperFeatureExtractor().save_pretrained(target)
    return target


def _renamed(stored: Arrays) -> list[tuple[str, Any]]:
    """The arrays by the names that transformers gives them; queries, keys and values lie in one there."""
    found: list[tuple[str, Any]] = []
    for name, values in stored.items():
        values = np.ascontiguousarray(values)
        side, _, rest = name.partition("/")
        if values.ndim == 0 or rest.startswith("alignment"):
            continue
        if rest == "embeddings/weight":
            found.append(("model.decoder.embed_tokens.weight", values))
        elif rest == "position_encodings/encodings":
            found.append((f"model.{side}.embed_positions.weight", values))
        elif rest.startswith("layer_norm/"):
            found.append((f"model.{side}.layer_norm.{_NORM[rest[11:]]}", values))
        elif rest.startswith("conv"):
            found.append((f"model.encoder.{rest.replace('/', '.')}", values))
        elif rest.startswith("layer_"):
            number, part = rest[6:].split("/", 1)
            found += [(f"model.{side}.layers.{number}.{end}", each) for end, each in _layer(part, values)]
    return found


def _layer(part: str, values: Any) -> list[tuple[str, Any]]:
    block, kind, last = part.split("/")
    own = {"self_attention": "self_attn", "attention": "encoder_attn", "ffn": "fc"}[block]
    if kind == "layer_norm":
        return [(f"{'final' if block == 'ffn' else own}_layer_norm.{_NORM[last]}", values)]
    number = int(kind.removeprefix("linear_"))
    if block == "ffn":
        return [(f"fc{number + 1}.{last}", values)]
    names = (("q", "k", "v"), ("out",)) if block == "self_attention" else (("q",), ("k", "v"), ("out",))
    parts = zip(names[number], np.split(values, len(names[number])), strict=True)
    # Keys have no bias; where all three lie in one, theirs is zero.
    return [(f"{own}.{name}_proj.{last}", each) for name, each in parts if (name, last) != ("k", "bias")]


def _layers(stored: Arrays, side: str) -> int:
    return sum(name.startswith(f"{side}/layer_") and name.endswith("/ffn/linear_0/bias") for name in stored)


def _read(path: Path) -> Arrays:
    with path.open("rb") as stream:
        if _number(stream, "I") < 2:
            raise OSError(f"{path.name} is of an edition without names")
        _text(stream)
        _number(stream, "I")
        found: Arrays = {}
        for _ in range(_number(stream, "I")):
            name, rank = _text(stream), _number(stream, "B")
            shape = [_number(stream, "I") for _ in range(rank)]
            kind, size = _TYPES[_number(stream, "B")], _number(stream, "I")
            found[name] = np.frombuffer(stream.read(size), dtype=kind).reshape(shape)
    return found


def _number(stream: BinaryIO, kind: str) -> int:
    (value,) = struct.unpack(f"<{kind}", stream.read(struct.calcsize(f"<{kind}")))
    return int(value)


def _text(stream: BinaryIO) -> str:
    return stream.read(_number(stream, "H")).rstrip(b"\0").decode()
