"""Named numpy arrays in a safetensors file, read and written without any other package."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel

from ._files import read_header

_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1"}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays of a file.

    Raises:
        UnsupportedModel: the file is broken, or has a type of number that we do not write.
    """
    tensors = read_header(path)
    data = path.read_bytes()
    arrays = {}
    for name, tensor in tensors.items():
        if tensor.dtype not in _DTYPES:
            raise UnsupportedModel("broken_weights", f"{path.name}: {name!r} has the type {tensor.dtype}.")
        flat = np.frombuffer(data[tensor.start : tensor.stop], dtype=_DTYPES[tensor.dtype])
        arrays[name] = flat.reshape(tensor.shape)
    return arrays


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays in the order of their names: equal arrays make equal bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "np"}}
    position = 0
    for name in sorted(arrays):
        array = arrays[name]
        dtype = _NAMES[array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype]
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # Aligned, so that readers may map the file.
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with scratch.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(arrays):
            file.write(np.ascontiguousarray(arrays[name]).tobytes())
    os.replace(scratch, path)
