"""Reads weights out of formats that can run code, inside the sandbox, from a descriptor that the parent opened.

PyTorch archives are opened with `weights_only=True`, Keras files by their arrays alone: no layer is ever built. What
either library does wrong with a hostile file stays behind the walls. Found there by its own name.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from typing import Any, BinaryIO

import numpy as np

MAX_TENSORS = 100_000
MAX_DEPTH = 8
MAX_NAME = 500
MAX_PART_BYTES = 16 << 20
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NUMPY = {
    "f4": "F32",
    "f2": "F16",
    "f8": "F64",
    "i8": "I64",
    "i4": "I32",
    "i2": "I16",
    "i1": "I8",
    "u1": "U8",
    "b1": "BOOL",
}
_WRAPPERS = ("state_dict", "model_state_dict", "model")


class Unreadable(Exception):
    """The file does not hold plain tensors."""

    code = "unreadable"


def load(descriptor: int, *, threads: int) -> Weights:
    """Read all tensors behind a descriptor."""
    del threads  # Copying uses one.
    stream = os.fdopen(descriptor, "rb")
    stream.seek(0)  # The parent shares the place, and has read before.
    head = stream.read(8)
    stream.seek(0)
    if head == _HDF5:
        return Weights(_hdf5(stream), "hdf5")
    if not head.startswith(b"PK\x03\x04"):
        raise Unreadable("It is neither an archive of PyTorch nor a file of Keras; save it again with a newer release.")
    with zipfile.ZipFile(stream) as archive:
        inside = next((name for name in archive.namelist() if name.endswith("model.weights.h5")), None)
        if inside is not None:
            return Weights(_hdf5(io.BytesIO(archive.read(inside))), "keras")
    stream.seek(0)
    return Weights(*_torch(stream))


class Weights:
    """Named tensors as bytes in little-endian order."""

    runtime = "legacy-weights"
    task = "conversion"
    capabilities = ("weights_part",)

    def __init__(self, tensors: dict[str, tuple[str, tuple[int, ...], bytes]], source: str, left_out: Any = ()) -> None:
        if not tensors:
            raise Unreadable("It holds no tensor.")
        self._tensors = tensors
        self._source = source
        self._left_out = sorted(left_out)

    def description(self) -> dict[str, Any]:
        """Names, types, shapes and hashes; and what is no tensor, by name."""
        return {
            "source": self._source,
            "left_out": self._left_out[:50],
            "tensors": [
                {"name": name, "dtype": dtype, "shape": list(shape), "sha256": hashlib.sha256(raw).hexdigest()}
                for name, (dtype, shape, raw) in sorted(self._tensors.items())
            ],
        }

    def weights_part(self, name: str, start: int, limit: int) -> str:
        """Bytes of one tensor, in base64."""
        raw = self._tensors[name][2]
        return base64.b64encode(raw[start : start + min(limit, MAX_PART_BYTES)]).decode("ascii")


def _torch(stream: BinaryIO) -> tuple[dict[str, tuple[str, tuple[int, ...], bytes]], str, list[str]]:
    import torch

    names = {
        torch.float32: "F32",
        torch.float16: "F16",
        torch.bfloat16: "BF16",
        torch.float64: "F64",
        torch.int64: "I64",
        torch.int32: "I32",
        torch.int16: "I16",
        torch.int8: "I8",
        torch.uint8: "U8",
        torch.bool: "BOOL",
    }
    try:
        loaded = torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:
        raise Unreadable(f"PyTorch refuses it: {str(error).splitlines()[0][:300]}") from error
    found: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    left_out: list[str] = []
    for name, tensor in _flat(_unwrapped(loaded), ""):
        if not isinstance(tensor, torch.Tensor):
            left_out.append(name[:MAX_NAME])
            continue
        if tensor.dtype not in names or tensor.layout is not torch.strided or tensor.is_quantized:
            raise Unreadable(f"{name[:100]!r} is no plain tensor of numbers.")
        _check_name(name, found)
        # Every view is written out whole: two names of one storage become two tensors.
        raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        found[name] = (names[tensor.dtype], tuple(tensor.shape), raw)
    return found, "torch", left_out


def _unwrapped(value: Any) -> Any:
    """Checkpoints of trainers keep the weights under one of a few names, beside the optimiser's."""
    if isinstance(value, dict):
        for name in _WRAPPERS:
            if isinstance(value.get(name), dict):
                return value[name]
    return value


def _flat(value: Any, prefix: str, depth: int = 0) -> Any:
    if not isinstance(value, dict):
        yield prefix or "(all)", value
        return
    if depth > MAX_DEPTH:
        raise Unreadable("Its dictionaries are nested too deeply.")
    for key, item in value.items():
        yield from _flat(item, f"{prefix}.{key}" if prefix else str(key), depth + 1)


def _hdf5(stream: BinaryIO) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    import h5py

    found: dict[str, tuple[str, tuple[int, ...], bytes]] = {}

    def visit(name: str, item: Any) -> None:
        # Links out of the file are not followed by such a walk; data kept elsewhere is refused.
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            raise Unreadable(f"{name[:100]!r} keeps its numbers in another file.")
        kind = _NUMPY.get(item.dtype.str[1:])
        if kind is None:
            raise Unreadable(f"{name[:100]!r} is no plain array of numbers.")
        _check_name(name, found)
        values = np.asarray(item[()])
        found[name] = (kind, tuple(values.shape), values.astype(values.dtype.newbyteorder("<")).tobytes())

    try:
        with h5py.File(stream, "r") as file:
            file.visititems(visit)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"It cannot be read as HDF5: {str(error)[:300]}") from error
    return found


def _check_name(name: str, found: dict[str, Any]) -> None:
    if not name or len(name) > MAX_NAME or name in found or name == "__metadata__" or not name.isprintable():
        raise Unreadable(f"A tensor has the name {name[:80]!r}.")
    if len(found) >= MAX_TENSORS:
        raise Unreadable("It holds too many tensors.")
