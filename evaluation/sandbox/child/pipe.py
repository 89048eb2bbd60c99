"""One JSON document per line, both ways. Arrays travel as raw little-endian numbers in base64."""

from __future__ import annotations

import base64
import importlib
import json
import math
import os
from typing import Any


class Pipe:
    """The child's end. Not for several threads."""

    def __init__(self, read_from: int, write_to: int) -> None:
        self._reader = os.fdopen(read_from, "rb", buffering=1 << 16)
        self._write_to = write_to

    def receive(self) -> bytes | None:
        """The next line, or None when the parent has closed its end."""
        return self._reader.readline() or None

    def send(self, message: dict[str, Any]) -> None:
        raw = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        view = memoryview(raw)
        while view:
            view = view[os.write(self._write_to, view) :]


def encode(value: Any) -> Any:
    """Turn a model's answer into JSON-able data. Numbers that JSON lacks become `{"__float__": "nan"}`."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"__float__": str(value)}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return _encode_object(value)


def decode(value: Any) -> Any:
    """Undo the parent's encoding of arrays."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"__array__", "data"}:
        return _array(value)
    return {key: decode(item) for key, item in value.items()}


def _array(value: dict[str, Any]) -> Any:
    # Only calls that bring arrays need numpy, and only behind the walls may it be found.
    numpy = importlib.import_module("numpy")
    return numpy.frombuffer(base64.b64decode(value["data"]), dtype="<f4").reshape(value["__array__"]).copy()


def _encode_object(value: Any) -> Any:
    """Arrays by content, records by field, anything else by name only."""
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        if value.ndim == 0:
            return encode(value.item())
        flat = value.astype("<f4")
        return {"__array__": list(flat.shape), "data": base64.b64encode(flat.tobytes()).decode("ascii")}
    if hasattr(value, "_asdict"):
        return encode(value._asdict())
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: encode(getattr(value, name)) for name in fields}
    return str(type(value).__name__)
