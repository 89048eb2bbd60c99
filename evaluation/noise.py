"""How far two measurements of one thing may lie apart and still be the same: declared by receipts, kept by re-runs.

On the machine, packages and number of threads that a receipt names, outputs are the same byte for byte. Another number
of threads, or another processor, adds the same numbers in another order; what that may move is the noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# Half precision moves a thousand times as much.
HALF = frozenset({"bfloat16", "float16", "bf16", "f16"})
_HALF_FACTOR = 1000.0


@dataclass(frozen=True)
class Noise:
    """`metric_relative` is for metrics made of likelihoods, `item_…` for the real numbers of single items; all else of
    an item (labels, choices, texts, ranks) is the same for `agreeing_share` of the items.
    """

    metric_relative: float = 1e-6
    item_relative: float = 1e-4
    item_absolute: float = 1e-5
    agreeing_share: float = 0.999

    def as_json(self) -> dict[str, float]:
        return asdict(self)


def noise_of(dtype: str | None) -> Noise:
    """The noise of models that compute with numbers of this type."""
    factor = _HALF_FACTOR if dtype in HALF else 1.0
    plain = Noise()
    return Noise(
        plain.metric_relative * factor, plain.item_relative * factor, plain.item_absolute * factor, plain.agreeing_share
    )


def declared_noise(record: Mapping[str, Any], *, dtype: str) -> Noise:
    """The noise that a receipt declares; that of its type of number where it is older than such declarations.

    What is declared never makes it wider than the protocol has it, so that nobody can sign a receipt that any model
    would keep.
    """
    widest = noise_of(dtype)
    stated = record.get("noise")
    if not isinstance(stated, Mapping):
        return widest
    found = {name: _number(stated.get(name), value) for name, value in widest.as_json().items()}
    return Noise(
        metric_relative=min(found["metric_relative"], widest.metric_relative),
        item_relative=min(found["item_relative"], widest.item_relative),
        item_absolute=min(found["item_absolute"], widest.item_absolute),
        agreeing_share=max(found["agreeing_share"], widest.agreeing_share),
    )


def _number(value: Any, otherwise: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if is_number else otherwise
