"""Makes the arguments of a call fit for the pipe: arrays (clips of speech) travel as raw numbers, the rest is JSON."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np


def encode(value: Any) -> Any:
    """Arguments as JSON-able data; arrays as the child's `pipe.decode` reads them, in 32-bit floats."""
    if isinstance(value, np.ndarray):
        flat = np.ascontiguousarray(value, dtype="<f4")
        return {"__array__": list(value.shape), "data": base64.b64encode(flat.tobytes()).decode("ascii")}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value
