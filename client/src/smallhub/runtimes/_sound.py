"""Sound as models want it: one channel, another sampling rate, pieces of bearable length. Only numpy is needed.

Resampling is polyphase: one low-pass filter, a sinc under a Kaiser window, of which each output sample uses the taps
that fall on input samples. It is the same whatever else is installed, so that answers are.
"""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import Invalid

METHOD = "polyphase, Kaiser window (beta 5), 10 periods on each side"
_PERIODS = 10
_BETA = 5.0
_FRAME_S = 0.02
_SEARCH_S = 5.0
_MAX_RATE = 1_000_000
_PCM = {1: "u1", 2: "<i2", 4: "<i4"}

Clip = npt.NDArray[np.float32]


def read_wav(path: Path) -> tuple[Clip, int]:
    """A WAV file's samples from -1 to 1, its channels averaged, and its sampling rate.

    Raises:
        Invalid: it is missing, or not plain PCM of 8, 16 or 32 bits.
    """
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise Invalid(f"{path} is no WAV file that can be read: {error}.", code="invalid_clip") from error
    if width not in _PCM:
        raise Invalid(f"{path} has samples of {8 * width} bits; 8, 16 and 32 are read.", code="invalid_clip")
    values = np.frombuffer(raw, dtype=_PCM[width]).astype(np.float64)
    if width == 1:
        values -= 128  # Samples of 8 bits have no sign.
    samples = values.reshape(-1, channels).mean(axis=1) / 2 ** (8 * width - 1)
    return samples.astype(np.float32), rate


def check_clip(clip: npt.ArrayLike, sampling_rate: int) -> Clip:
    """A clip as an array of one dimension.

    Raises:
        Invalid: several channels, values that are no numbers, or an absurd rate.
    """
    if not 0 < sampling_rate <= _MAX_RATE:
        raise Invalid(f"A sampling rate of {sampling_rate} Hz makes no sense.", code="invalid_setting")
    samples = np.asarray(clip, dtype=np.float32)
    if samples.ndim != 1:
        raise Invalid("A clip has one channel: an array of one dimension.", code="invalid_clip")
    if not np.isfinite(samples).all():
        raise Invalid("A clip holds values that are no numbers.", code="invalid_clip")
    return samples


def resample(clip: Clip, rate: int, wanted: int) -> Clip:
    """Change the sampling rate. The result has `ceil(samples · wanted / rate)` samples."""
    if rate == wanted or not len(clip):
        return clip
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    half = _PERIODS * max(up, down)
    taps = _low_pass(half, 1 / max(up, down)) * up
    count = -(-len(clip) * up // down)
    reach = half // up + 1  # How many input samples the filter reaches on each side.
    source = np.concatenate([np.zeros(reach), clip.astype(np.float64), np.zeros(reach + 1)])
    result = np.empty(count)
    # Output n lies at input position n·down/up: outputs of equal remainder use equal taps.
    for phase in range(min(up, count)):
        places = np.arange(phase, count, up) * down
        offset = (phase * down) % up
        steps = np.arange(-reach, reach + 1)
        index = offset - steps * up + half
        own = np.where((index >= 0) & (index < len(taps)), taps[np.clip(index, 0, len(taps) - 1)], 0.0)
        starts = places // up
        result[phase::up] = np.lib.stride_tricks.sliding_window_view(source, len(steps))[starts] @ own
    return result.astype(np.float32)


def pieces(clip: Clip, rate: int, *, longest_s: float) -> list[Clip]:
    """Cut a long clip where it is quietest, within the last five seconds of each stretch."""
    found = []
    longest, frame = int(longest_s * rate), max(1, int(_FRAME_S * rate))
    while len(clip) > longest:
        start = max(frame, longest - int(_SEARCH_S * rate))
        frames = clip[start : start + (longest - start) // frame * frame].astype(np.float64).reshape(-1, frame)
        cut = start + int((frames**2).sum(axis=1).argmin()) * frame
        found.append(clip[:cut])
        clip = clip[cut:]
    return [*found, clip]


def _low_pass(half: int, cutoff: float) -> npt.NDArray[np.float64]:
    """A filter of 2·half + 1 taps that sum to 1; `cutoff` as a share of half the sampling rate."""
    taps = np.sinc(cutoff * np.arange(-half, half + 1)) * np.kaiser(2 * half + 1, _BETA)
    scaled: npt.NDArray[np.float64] = taps / taps.sum()
    return scaled
