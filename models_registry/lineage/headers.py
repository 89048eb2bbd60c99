"""Parents that headers of weight files name: the `general.*` keys of GGUF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from models_registry.lineage import claims
from models_registry.lineage.claims import Claim, Place, parent_name

_MAX_PARENTS = 20
_PLAIN = {"F64", "F32", "F16", "BF16"}


def gguf_claims(metadata: Mapping[str, Any], *, path: str, dtypes: set[str]) -> Iterator[Claim]:
    """What the keys of a GGUF file say of its models and data sets.

    Args:
        dtypes: number formats of its tensors: a base of a quantised file was quantised.
    """
    relation = claims.FINETUNE if dtypes <= _PLAIN else claims.QUANTIZED
    for key in ("general.source.huggingface.repository", "general.source.repo_url", "general.source.url"):
        yield from _named(metadata.get(key), claims.MODEL, claims.QUANTIZED, path, key)
    for kind, word, told in (
        (claims.MODEL, "base_model", relation),
        (claims.DATASET, "dataset", claims.TRAINED_ON),
    ):
        count = metadata.get(f"general.{word}.count")
        for at in range(min(count, _MAX_PARENTS) if type(count) is int else 0):
            yield from _numbered(metadata, f"general.{word}.{at}", kind, told, path)


def _numbered(metadata: Mapping[str, Any], key: str, kind: str, relation: str, path: str) -> Iterator[Claim]:
    """One parent by its address, or by its organisation and name; with a name alone it stays unknown which."""
    found = list(_named(metadata.get(f"{key}.repo_url"), kind, relation, path, f"{key}.repo_url"))
    owner, name = (metadata.get(f"{key}.{part}") for part in ("organization", "name"))
    if not found and isinstance(owner, str) and isinstance(name, str):
        joined = f"{owner.strip().replace(' ', '-')}/{name.strip().replace(' ', '-')}"
        found = list(_named(joined, kind, relation, path, f"{key}.name"))
    if not found and isinstance(name, str) and name.strip():
        says = " ".join(name.replace("\x00", "").split())[:300]
        found = [Claim(kind, "", relation, claims.DERIVED, (Place(path, f"{key}.name"),), says)]
    yield from found


def _named(value: Any, kind: str, relation: str, path: str, key: str) -> Iterator[Claim]:
    if not isinstance(value, str):
        return
    text = value.replace("\x00", "")
    found = parent_name(text, bare=False)
    if found is not None and (found[0] or kind) == kind:
        yield Claim(kind, found[1], relation, claims.DERIVED, (Place(path, key),), text[:300])
