"""Reading a model folder without trust: JSON of limited size, safetensors headers, nothing outside the folder.

Only the standard library, so that a folder can be recognised where neither numpy nor torch is installed.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smallhub._exceptions import UnsupportedModel

from ._unloadable import unloadable

MAX_JSON_BYTES = 64 * 1024 * 1024  # Vocabularies are the longest; tokenizers of 250,000 tokens take about 20 MB.
MAX_HEADER_BYTES = 100 * 1024 * 1024
_DTYPE_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a safetensors header. `start` and `stop` are positions in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UnsupportedModel: it is missing, too long or no JSON.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise UnsupportedModel("file_too_long", f"{path.name} is longer than {MAX_JSON_BYTES:,} bytes.")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnsupportedModel("missing_file", f"There is no {path.name}.", file=path.name) from error
    except (ValueError, RecursionError, OSError) as error:
        raise UnsupportedModel("broken_json", f"{path.name} cannot be read: {error}.", file=path.name) from error


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that must hold an object."""
    data = read_json(path)
    if not isinstance(data, dict):
        raise UnsupportedModel("broken_json", f"{path.name} holds no JSON object.", file=path.name)
    return data


def read_header(path: Path) -> dict[str, Tensor]:
    """Read and check the header of a safetensors file.

    The sizes must add up: each tensor's bytes follow from dtype and shape, lie inside the file, overlap no other, and
    all together fill it.

    Raises:
        UnsupportedModel: it is no whole safetensors file.
    """
    try:
        return _read_header(path)
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise UnsupportedModel(
            "broken_weights", f"{path.name} is no whole safetensors file: {error}.", file=path.name
        ) from error


def _read_header(path: Path) -> dict[str, Tensor]:
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size_bytes < 8 or length > min(MAX_HEADER_BYTES, size_bytes - 8):
            raise ValueError("its header is longer than the file")
        rows = json.loads(file.read(length).decode("utf-8"))
    rows.pop("__metadata__", None)
    base = 8 + length
    tensors = {name: _read_tensor(name, row, base) for name, row in rows.items()}
    end = base
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.stop)):
        if tensor.start != end:
            raise ValueError("its tensors overlap or leave holes")
        end = tensor.stop
    if end != size_bytes:
        raise ValueError(f"it has {size_bytes} bytes where its header speaks of {end}")
    return tensors


def _read_tensor(name: str, row: dict[str, Any], base: int) -> Tensor:
    shape = tuple(row["shape"])
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError(f"the shape of {name!r}")
    start, stop = row["data_offsets"]
    if stop - start != math.prod(shape) * _DTYPE_BYTES[row["dtype"]]:
        raise ValueError(f"the size of {name!r} does not follow from its shape")
    return Tensor(dtype=row["dtype"], shape=shape, start=base + start, stop=base + stop)


def weight_files(folder: Path) -> list[str]:
    """Names of the safetensors files that hold the weights, all of them present and whole.

    Raises:
        UnsupportedModel: there are none, or only pickles; a shard is missing or broken.
    """
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        names = ["model.safetensors"]
    elif index.is_file():
        table = read_object(index).get("weight_map")
        if not isinstance(table, dict) or not table or not all(isinstance(name, str) for name in table.values()):
            raise UnsupportedModel("broken_index", f"{index.name} names no shards.", file=index.name)
        names = sorted(set(table.values()))
    else:
        raise _no_weights(folder)
    for name in names:
        if "/" in name or "\\" in name or not (folder / name).is_file():
            raise UnsupportedModel("missing_shard", f"The shard {name!r} is missing.", file=name)
        read_header(folder / name)
    return names


def _no_weights(folder: Path) -> UnsupportedModel:
    return unloadable(folder) or UnsupportedModel("no_weights", "There is no model.safetensors.")
