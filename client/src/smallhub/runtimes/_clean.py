"""A clean room for transformers: a folder that holds links to the weights and rewritten configuration, nothing else.

The library reads many files and many keys, and some of them reach for code or for the network: `auto_map`, names of
kernels and of base models, `_attn_implementation_internal`, adapters, custom modules. So it never sees a repository.
It sees this folder: known file names alone, and JSON from which everything was left out that its own configuration
classes do not declare as a field.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._files import read_object, weight_files

# Written by older releases of the library, which turns them into today's fields itself.
_OLD_KEYS = {
    "torch_dtype",
    "num_labels",
    "rope_theta",
    "rope_scaling",
    "rope_interleaved",
    "partial_rotary_factor",
    "rotary_pct",
    "rotary_emb_base",
    "layer_types",
    "global_rope_theta",
    "local_rope_theta",
    "rope_local_base_freq",
}
_CODE_KEYS = {"auto_map", "custom_pipelines", "trust_remote_code", "kernel_config", "name_or_path"}
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "target.spm",
    "target_vocab.json",
    "normalizer.json",
    "added_tokens.json",
)
_JSON_FILES = ("tokenizer_config.json", "special_tokens_map.json", "generation_config.json")
_INDEX = "model.safetensors.index.json"


@contextmanager
def clean_room(folder: Path) -> Iterator[tuple[Path, PreTrainedConfig]]:
    """Give a folder that the library may read, and the configuration read from it. Gone afterwards.

    Raises:
        UnsupportedModel: the library has no such model, or the configuration is no sound one.
    """
    config = clean_config(read_object(folder / "config.json"))
    with TemporaryDirectory(prefix="smallhub-") as name:
        room = Path(name)
        weights = weight_files(folder)
        for file in weights:
            (room / file).symlink_to((folder / file).resolve())
        if weights != ["model.safetensors"]:
            _write(room / _INDEX, read_object(folder / _INDEX))
        for file in _TOKENIZER_FILES:
            if (folder / file).is_file():
                shutil.copyfile(folder / file, room / file)
        for file in _JSON_FILES:
            if (folder / file).is_file():
                _write(room / file, without_code(read_object(folder / file)))
        _write(room / "config.json", config.to_dict())
        yield room, config


def clean_config(data: dict[str, Any]) -> PreTrainedConfig:
    """Build a configuration from the declared fields alone.

    Raises:
        UnsupportedModel: an unknown `model_type`, or values that its class refuses.
    """
    model_type = data.get("model_type")
    try:
        kind = CONFIG_MAPPING[str(model_type)]
    except KeyError as error:
        raise UnsupportedModel(
            "unsupported_architecture", f"transformers has no model type {model_type!r}.", model_type=str(model_type)
        ) from error
    allowed = allowed_keys(kind)
    kept = {key: value for key, value in without_code(data).items() if key in allowed}
    try:
        config = kind.from_dict(kept)
    except Exception as error:  # The classes refuse bad values with errors of many kinds.
        raise UnsupportedModel("broken_config", f"config.json: {error}.") from error
    if not isinstance(config, PreTrainedConfig):
        raise UnsupportedModel("broken_config", "config.json makes no configuration.")
    return config


def allowed_keys(kind: type[Any]) -> set[str]:
    """The keys that a configuration class declares, with their aliases and their older names."""
    fields = {field.name for field in dataclasses.fields(kind)}
    return fields | set(kind.attribute_map) | _OLD_KEYS


def without_code(value: Any) -> Any:
    """JSON without the keys that lead to code or elsewhere, and without private (`_…`) ones, at any depth."""
    if isinstance(value, dict):
        return {
            key: without_code(item)
            for key, item in value.items()
            if key not in _CODE_KEYS and (not key.startswith("_") or key == "__type")
        }
    if isinstance(value, list):
        return [without_code(item) for item in value]
    return value


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8")
