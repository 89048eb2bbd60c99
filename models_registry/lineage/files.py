"""Parents that the other files name: adapters, configurations, merges, our own recipes."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models_registry.cards import CardFault, read_card, read_values
from models_registry.lineage import claims
from models_registry.lineage.cards import CARD, card_claims
from models_registry.lineage.claims import Claim, Place, parent_name

MAX_BYTES = 1024 * 1024
ADAPTER_CONFIG, CONFIG, RECIPE = "adapter_config.json", "config.json", "recipe.json"
GPTQ_CONFIG = "quantize_config.json"
MERGE_CONFIGS = ("mergekit_config.yml", "mergekit_config.yaml")
_MAX_MERGED = 40
# Looked for at the top of a repository, and in the folders of its modules (`0_Transformer/`, `1_Pooling/` …).
SMALL_FILES = frozenset({CARD, ADAPTER_CONFIG, CONFIG, RECIPE, GPTQ_CONFIG, *MERGE_CONFIGS})


def is_small_file(path: str) -> bool:
    """Whether a file of this path may name a parent."""
    folder, _, name = path.rpartition("/")
    return name in SMALL_FILES and (not folder or (name in {CONFIG, ADAPTER_CONFIG} and "/" not in folder))


def claims_of(paths: Iterable[str], contents: Mapping[str, bytes], *, kind: str, own: str) -> list[Claim]:
    """All that the small files of a commit say of its parents.

    Args:
        paths: every file of the commit.
        contents: the files that `is_small_file` names, by path.
        own: the repository's own name.
    """
    found = list(card_claims(_front_matter(contents.get(CARD, b"")), kind=kind, hint=_hint(set(paths), contents)))
    if kind == claims.MODEL:
        for path in sorted(contents):
            found += _claims_of_file(path, contents[path])
    return claims.merged(found, own=own, own_kind=kind)


def _front_matter(content: bytes) -> Mapping[str, Any]:
    try:
        return read_card(content.decode("utf-8", "replace")).data
    except CardFault:
        return {}


def _hint(paths: set[str], contents: Mapping[str, bytes]) -> str:
    """What a base is to a model with these files, where the card does not say."""
    if ADAPTER_CONFIG in paths:
        return claims.ADAPTER
    if paths & set(MERGE_CONFIGS):
        return claims.MERGE
    weights = [path for path in paths if path.endswith((".safetensors", ".gguf", ".bin", ".onnx"))]
    is_gguf = bool(weights) and all(path.endswith(".gguf") for path in weights)
    is_quantized = GPTQ_CONFIG in paths or "quantization_config" in _object(contents.get(CONFIG, b""))
    return claims.QUANTIZED if is_gguf or is_quantized else ""


def _claims_of_file(path: str, content: bytes) -> Iterator[Claim]:
    name = posixpath.basename(path)
    if name == ADAPTER_CONFIG:
        yield from _adapter(path, _object(content))
    elif name == CONFIG:
        yield from _config(path, _object(content))
    elif name == GPTQ_CONFIG:
        value = _object(content).get("model_name_or_path")
        yield from _derived(value, claims.QUANTIZED, path, "model_name_or_path", bare=False)
    elif name in MERGE_CONFIGS:
        yield from _merge(path, content)
    elif name == RECIPE:
        yield from _recipe(path, _object(content))


def _adapter(path: str, config: Mapping[str, Any]) -> Iterator[Claim]:
    """The model that an adapter changes. There always is one: a path of somebody's machine leaves it unknown."""
    key = "base_model_name_or_path"
    found = list(_derived(config.get(key), claims.ADAPTER, path, key))
    if not found and ("peft_type" in config or key in config):
        says = config.get(key)
        found = [_unknown(claims.ADAPTER, path, key, says if isinstance(says, str) else "")]
    yield from found


def _config(path: str, config: Mapping[str, Any]) -> Iterator[Claim]:
    relation = claims.QUANTIZED if isinstance(config.get("quantization_config"), dict) else claims.FINETUNE
    for key in ("_name_or_path", "base_model_name_or_path", "teacher_model_name_or_path"):
        told = claims.DISTILLED if key.startswith("teacher") else relation
        yield from _derived(config.get(key), told, path, key, bare=False)


def _merge(path: str, content: bytes) -> Iterator[Claim]:
    """The sources of a merge, however the recipe nests them: `models`, `slices`, `base_model`, `tokenizer_source`."""
    try:
        document = read_values(content.decode("utf-8", "replace"))
    except CardFault:
        return
    names = list(dict.fromkeys(_merge_sources(document)))[:_MAX_MERGED]
    for key, name in names:
        for each in name.split("+"):  # A model and an adapter that is put onto it first.
            found = list(_derived(each, claims.MERGE, path, key))
            yield from found or [_unknown(claims.MERGE, path, key, each)]


def _merge_sources(value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > 6:
        return
    if isinstance(value, list):
        for item in value:
            yield from _merge_sources(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in {"model", "base_model"} and isinstance(item, dict):
                item = item.get("path") or (item.get("model") or {}).get("path")
            if key in {"model", "base_model"} and isinstance(item, str) and item.strip():
                yield key, item.strip()
            elif isinstance(item, dict | list):
                yield from _merge_sources(item, depth + 1)


def _recipe(path: str, recipe: Mapping[str, Any]) -> Iterator[Claim]:
    """Data sets that one of this project's own recipes learnt from, and the model that it began with."""
    data = recipe.get("data")
    for at, row in enumerate(data[: claims.MAX_CLAIMS] if isinstance(data, list) else ()):
        if isinstance(row, dict) and isinstance(row.get("repository"), str):
            found = parent_name(row["repository"].removeprefix("datasets/"), bare=False)
            if found is not None:
                place = (Place(path, f"data[{at}].repository"),)
                yield Claim(claims.DATASET, found[1], claims.TRAINED_ON, claims.DERIVED, place, row["repository"][:300])
    for key, relation in (("base_model", claims.FINETUNE), ("teacher", claims.DISTILLED)):
        yield from _derived(recipe.get(key), relation, path, key, bare=False)


def _derived(value: Any, relation: str, path: str, key: str, *, bare: bool = True) -> Iterator[Claim]:
    if not isinstance(value, str) or _is_local(value):
        return
    found = parent_name(value, bare=bare)
    if found is not None and found[0] != claims.DATASET:
        yield Claim(claims.MODEL, found[1], relation, claims.DERIVED, (Place(path, key),), value[:300])


def _unknown(relation: str, path: str, key: str, says: str) -> Claim:
    clean = " ".join(says.split())[:300]
    return Claim(claims.MODEL, "", relation, claims.DERIVED, (Place(path, key),), clean)


def _is_local(value: str) -> bool:
    """A path of a machine, not a name: absolute, relative, with drives, or in a folder of results."""
    text = value.strip()
    if text.startswith(("/", ".", "~", "\\")) or "\\" in text or text[1:2] == ":" or text.endswith("/"):
        return True
    first = text.lower().split("/")[0]
    last = text.lower().rpartition("/")[2]
    folders = {"output", "outputs", "results", "result", "checkpoints", "checkpoint", "models", "model", "runs", "tmp"}
    return first in folders or last.startswith("checkpoint-") or last in {"checkpoint", "final", "best"}


def _object(content: bytes) -> dict[str, Any]:
    """The object in a JSON file, or {}: it was written by a stranger."""
    if len(content) > MAX_BYTES:
        return {}
    try:
        value = json.loads(content.decode("utf-8", "replace").replace("\x00", ""), parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
