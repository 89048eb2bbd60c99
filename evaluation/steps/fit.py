"""Will it run there? A prediction for three classes of devices, from what was measured and one plain rule.

The rule, per class: the weights must fit its disk budget and the loaded model its memory budget. The speed measured
here is first normalised to the reference class (`evaluation.machine`), then multiplied with the class's factor; it
must reach 10 tokens, or 5 answers, a second. `fits` needs all three; `tight` means more than 80 % of a budget, or at
least a quarter of the speed; below that it is `too_large` or `too_slow`. Where no speed was measured, size decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Answer = Literal["fits", "tight", "too_slow", "too_large"]
TOKENS_PER_S, ANSWERS_PER_S = 10.0, 5.0
_TIGHT_SHARE, _SLOW_SHARE = 0.8, 0.25
MB, GB = 1_000_000, 1_000_000_000


@dataclass(frozen=True)
class DeviceClass:
    """What an application may take of a device, and how fast it is against the reference class."""

    name: str
    disk_bytes: int
    memory_bytes: int
    speed: float


CLASSES = (
    DeviceClass("phone", disk_bytes=300 * MB, memory_bytes=1 * GB, speed=0.5),
    DeviceClass("laptop", disk_bytes=4 * GB, memory_bytes=4 * GB, speed=1.5),
    DeviceClass("server", disk_bytes=16 * GB, memory_bytes=14 * GB, speed=1.0),
)


@dataclass(frozen=True)
class Fit:
    """One class's answer. `speed` is the predicted rate in `unit`s per second, None if no speed was measured."""

    device: str
    answer: Answer
    disk_share: float
    memory_share: float
    speed: float | None
    unit: str


def predict(*, weight_bytes: int, memory_bytes: int, rates: Mapping[str, float | None], index: float) -> list[Fit]:
    """The answers for all classes.

    Args:
        memory_bytes: the measured peak, or an estimate.
        rates: `tokens_per_s` or `answers_per_s` as measured; the first that is there counts.
        index: how fast the measuring machine was against the reference class.
    """
    unit = "token" if rates.get("tokens_per_s") else "answer"
    rate = rates.get("tokens_per_s") or rates.get("answers_per_s")
    wanted = TOKENS_PER_S if unit == "token" else ANSWERS_PER_S
    return [_fit(each, weight_bytes, memory_bytes, rate / index if rate else None, wanted, unit) for each in CLASSES]


def as_json(fits: list[Fit]) -> list[dict[str, Any]]:
    return [asdict(fit) for fit in fits]


def _fit(
    device: DeviceClass, weight_bytes: int, memory_bytes: int, rate: float | None, wanted: float, unit: str
) -> Fit:
    disk, memory = weight_bytes / device.disk_bytes, memory_bytes / device.memory_bytes
    speed = None if rate is None else rate * device.speed
    answer: Answer = "fits"
    if max(disk, memory) > 1:
        answer = "too_large"
    elif speed is not None and speed < _SLOW_SHARE * wanted:
        answer = "too_slow"
    elif max(disk, memory) > _TIGHT_SHARE or (speed is not None and speed < wanted):
        answer = "tight"
    return Fit(device.name, answer, round(disk, 4), round(memory, 4), speed, unit)
