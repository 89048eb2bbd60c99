"""Smoke checks of speech recognition: a rate is declared, silence stays silent, a clip is heard the same twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.scorers.base import Model
from evaluation.steps.checks import Check, Run, failed, passed, warned
from evaluation.steps.inspect import Inspection

_RATE = 16_000
_MOST_OF_SILENCE = 20  # Characters: some models say a word or two into silence.


def forward(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07: the sampling rate is declared, and clips of any rate get an answer."""
    rate = session.description["description"].get("sampling_rate")
    if not isinstance(rate, int) or rate <= 0:
        return failed("S07", "forward", "The sampling rate of the training is not declared.")
    heard = session.call("transcribe", clips=[_clip(_RATE)], sampling_rate=_RATE)
    slow = session.call("transcribe", clips=[_clip(8_000)], sampling_rate=8_000)
    outputs["heard"] = [*heard, *slow]
    return passed("S07", "forward", f"It hears clips of any rate at {rate:,} Hz.", value=rate)


def repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10: two runs write down the same."""
    first, second = (session.call("transcribe", clips=[_clip(_RATE)], sampling_rate=_RATE) for _ in range(2))
    if first != second:
        return failed("S10", "repeat", "Two equal runs write down different texts.")
    return passed("S10", "repeat", "Two runs write down equal texts.", value=0)


def silence(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S20: silence gives (nearly) no text."""
    (heard,) = session.call("transcribe", clips=[np.zeros(2 * _RATE, np.float32)], sampling_rate=_RATE)
    said = f"Two seconds of silence become {len(heard)} characters; up to {_MOST_OF_SILENCE} are fine."
    return (warned if len(heard) > _MOST_OF_SILENCE else passed)("S20", "silence", said, value=len(heard))


def _clip(rate: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A second and a half of rising vowels with a break, always the same."""
    time = np.arange(int(1.5 * rate)) / rate
    pitch = 2 * np.pi * (120 * time + 20 * time**2)
    voice = sum(np.sin(number * pitch) / number for number in range(1, 9))
    return (0.15 * voice * (np.sin(2 * np.pi * time) ** 2 > 0.1)).astype(np.float32)


CHECKS: list[Run] = [forward, repeat, silence]
