"""Parents that a card names in its front matter, in the spellings that cards use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from models_registry.lineage import claims
from models_registry.lineage.claims import Claim, Place, parent_name

CARD = "README.md"
_DEPTH = 3
# Keys as they are after `_spelled`: what they hold, and how the child relates to it.
_MODELS: Mapping[str, str] = {
    "base_model": "",  # Its relation is told by another key, or by the other files.
    "base_models": "",
    "finetuned_from": claims.FINETUNE,
    "fine_tuned_from": claims.FINETUNE,
    "parent_model": claims.FINETUNE,
    "parent_models": claims.FINETUNE,
    "adapter_for": claims.ADAPTER,
    "adapter_of": claims.ADAPTER,
    "merged_models": claims.MERGE,
    "merged_from": claims.MERGE,
    "merge_of": claims.MERGE,
    "merge_sources": claims.MERGE,
    "source_models": claims.MERGE,
    "quantized_from": claims.QUANTIZED,
    "quantised_from": claims.QUANTIZED,
    "distilled_from": claims.DISTILLED,
    "distillation_teacher": claims.DISTILLED,
    "teacher": claims.DISTILLED,
    "teachers": claims.DISTILLED,
    "teacher_model": claims.DISTILLED,
    "teacher_models": claims.DISTILLED,
}
_DATASETS: Mapping[str, str] = {
    "datasets": claims.TRAINED_ON,
    "dataset": claims.TRAINED_ON,
    "train_datasets": claims.TRAINED_ON,
    "training_data": claims.TRAINED_ON,
    "training_datasets": claims.TRAINED_ON,
    "trained_on": claims.TRAINED_ON,
    "eval_datasets": claims.EVALUATED_ON,
    "evaluation_datasets": claims.EVALUATED_ON,
    "evaluated_on": claims.EVALUATED_ON,
    "source_datasets": claims.PART_OF,
}
_RELATIONS: Mapping[str, str] = {
    "finetune": claims.FINETUNE,
    "fine_tune": claims.FINETUNE,
    "finetuned": claims.FINETUNE,
    "adapter": claims.ADAPTER,
    "lora": claims.ADAPTER,
    "merge": claims.MERGE,
    "merged": claims.MERGE,
    "quantized": claims.QUANTIZED,
    "quantised": claims.QUANTIZED,
    "quantize": claims.QUANTIZED,
    "distilled": claims.DISTILLED,
    "distillation": claims.DISTILLED,
    "distill": claims.DISTILLED,
}
_NO_NAMES = {"original", "extended", "other", "custom", "none", "null", "unknown", "n/a", "na", "generated", "private"}


def card_claims(data: Mapping[str, Any], *, kind: str, hint: str = "") -> Iterator[Claim]:
    """What the front matter of a card says.

    Args:
        kind: whose card it is, model or dataset.
        hint: how the other files let one expect the child to relate to a base: adapter, quantized or "".
    """
    relation = _relation_of(data, hint)
    for key, value in data.items():
        spelled = _spelled(key)
        if spelled in _MODELS and kind == claims.MODEL:
            names = list(_names(value))
            told = _MODELS[spelled] or relation or (claims.MERGE if len(names) > 1 else claims.FINETUNE)
            yield from _claims(names, claims.MODEL, told, key)
        elif spelled in _DATASETS:
            if kind == claims.DATASET and spelled != "source_datasets":
                continue
            yield from _claims(list(_names(value)), claims.DATASET, _DATASETS[spelled], key)
    if kind == claims.MODEL:
        yield from _claims(list(_tested_on(data)), claims.DATASET, claims.EVALUATED_ON, "model-index")


def _relation_of(data: Mapping[str, Any], hint: str) -> str:
    """What the card says of its base in `base_model_relation`, else what its tags and files tell; "" for neither."""
    for key, value in data.items():
        if _spelled(key) in {"base_model_relation", "base_models_relation"} and isinstance(value, str):
            return _RELATIONS.get(_spelled(value), claims.UNKNOWN)
    tags = {_spelled(tag) for tag in data.get("tags") or () if isinstance(tag, str)} if _has_tags(data) else set()
    if data.get("library_name") == "peft" or tags & {"lora", "adapter"}:
        return claims.ADAPTER
    if tags & {"merge", "mergekit"}:
        return claims.MERGE
    return hint


def _has_tags(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("tags"), list)


def _claims(names: list[str], kind: str, relation: str, key: str) -> Iterator[Claim]:
    for name in names[: claims.MAX_CLAIMS]:
        if name.strip().lower() in _NO_NAMES:
            continue
        found = parent_name(name.rpartition("|")[2])
        place = (Place(CARD, key[:100]),)
        if found is not None:
            yield Claim(found[0] or kind, found[1], relation, claims.DECLARED, place, name[:300])
        elif name.strip():
            # Words that are no name ("my own crawl of the web") still say that there is something.
            yield Claim(kind, "", relation, claims.DECLARED, place, " ".join(name.split())[:300])


def _names(value: Any, depth: int = 0) -> Iterator[str]:
    """Names in a text, a list of texts, or objects that hold one under a usual key."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < _DEPTH:
        for item in value:
            yield from _names(item, depth + 1)
    elif isinstance(value, dict) and depth < _DEPTH:
        for key in ("name", "model", "repo_id", "repo", "id", "path", "dataset", "type"):
            if isinstance(value.get(key), str):
                yield value[key]
                return


def _tested_on(data: Mapping[str, Any]) -> Iterator[str]:
    """Data sets in the results of `model-index` that are named with their namespace."""
    for model in _dicts(data.get("model-index")):
        for result in _dicts(model.get("results")):
            dataset = result.get("dataset")
            name = dataset.get("type") if isinstance(dataset, dict) else None
            if isinstance(name, str) and parent_name(name, bare=False) is not None:
                yield name


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _spelled(key: str) -> str:
    return "_".join(key.strip().lower().replace("-", " ").replace("_", " ").split())
