"""S04 and S05: the embedding against the tokenizer and the configuration; ties that are declared and true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.steps.checks import Check, failed, not_applicable, passed, warned
from evaluation.steps.inspect import Inspection
from evaluation.steps.structure import is_embedding, is_head
from evaluation.steps.weights import values
from models_registry.formats import config_json, safetensors
from models_registry.formats.errors import BadFormat
from models_registry.formats.safetensors import Tensor

_SPECIAL_KEYS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "unk_token_id")
_TEXT_PARTS = ("text_config", "decoder")


def ties(folder: Path, inspection: Inspection) -> Check:
    """S05: `tie_word_embeddings` is what the weights say. A head that is not stored is tied by that alone."""
    found = inspection.structure
    if found is None or not found.rows:
        return not_applicable("S05", "ties", "It has no embedding that could be tied.")
    declared = _declared(folder)
    pair = _tables(folder, found.rows, found.hidden)
    if len(pair) < 2:
        if declared is False and "log_likelihood" in inspection.capabilities:
            return warned("S05", "ties", "config.json unties embedding and head, but only one of them is stored.")
        return passed("S05", "ties", "Embedding and head are one table.", value=1)
    same = _equal(pair[0], pair[1])
    if declared is True and not same:
        said = f"config.json ties them, but {pair[0][1].name} and {pair[1][1].name} hold different values."
        return failed("S05", "ties", said, value=0)
    if declared is not True and same:
        return warned("S05", "ties", "Embedding and head are stored twice with the same values.", value=1)
    return passed("S05", "ties", "Embedding and head are two tables, as declared.", value=0)


def rows_fit(inspection: Inspection, highest: int, declared_rows: int | None) -> Check:
    """S04: rows of the embedding against the highest id of the tokenizer and the declared vocabulary."""
    rows = (inspection.structure.rows if inspection.structure else 0) or declared_rows
    if not rows:
        return not_applicable("S04", "shapes", "It does not tell the size of its vocabulary.")
    size = inspection.tokenizer.vocabulary_size if inspection.tokenizer else highest + 1
    if highest >= rows:
        said = f"The tokenizer produces id {highest:,}, the embedding has {rows:,} rows."
        return failed("S04", "shapes", said, value=highest)
    if declared_rows and declared_rows != rows:
        said = f"The embedding has {rows:,} rows, the configuration says {declared_rows:,}."
        return warned("S04", "shapes", said, value=rows)
    spare = rows - size
    padded = f" {spare:,} rows more than the tokenizer has tokens." if spare > 0 else ""
    return passed("S04", "shapes", f"Every id fits the {rows:,} rows of the embedding.{padded}", value=highest)


def special_ids(folder: Path, inspection: Inspection, check: Check) -> Check:
    """The second half of S06: special ids that the configuration names lie inside the vocabulary."""
    rows = inspection.structure.rows if inspection.structure else 0
    if check.id != "S06" or check.state == "fail" or not rows:
        return check
    config = _config(folder)
    wrong = [
        f"{key} {number:,}"
        for key in _SPECIAL_KEYS
        for number in _numbers(config.get(key))
        # Some configurations write -1 for "none".
        if number >= rows or number < -1
    ]
    if not wrong:
        return check
    return replace(
        check, state="fail", message=f"config.json names ids that the {rows:,} rows lack: {', '.join(wrong)}."
    )


def _numbers(value: Any) -> list[int]:
    return [each for each in (value if isinstance(value, list) else [value]) if type(each) is int]


def _config(folder: Path) -> dict[str, Any]:
    try:
        return config_json.read_object(folder / "config.json")
    except (BadFormat, OSError):
        return {}


def _declared(folder: Path) -> bool | None:
    config = _config(folder)
    value = config.get("tie_word_embeddings")
    for part in _TEXT_PARTS:
        inner: Any = config.get(part)
        if value is None and isinstance(inner, dict):
            value = inner.get("tie_word_embeddings")
    return value if isinstance(value, bool) else None


def _tables(folder: Path, rows: int, hidden: int) -> list[tuple[Path, Tensor]]:
    """Stored tables of the embedding's shape that are called an embedding or a head."""
    found = [
        (path, tensor)
        for path in sorted(folder.glob("*.safetensors"))
        for tensor in safetensors.read_file(path).tensors
        if tensor.shape == (rows, hidden) and (is_embedding(tensor.name) or is_head(tensor.name))
    ]
    return found[:2]


def _equal(first: tuple[Path, Tensor], second: tuple[Path, Tensor]) -> bool:
    """Whether two tables hold the same values; read block by block."""
    if first[1].dtype != second[1].dtype:
        return False
    return all(np.array_equal(a, b) for a, b in zip(values(*first), values(*second), strict=True))
