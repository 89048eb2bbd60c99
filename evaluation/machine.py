"""The machine a measurement was made on, and one figure that says how fast it was at that moment.

The figure is an index against a named class of machines: three small fixed works (a float32 matrix product, a copy of
memory, a loop of the interpreter), each against the class's own speed, and the geometric mean of the three ratios.
At 2 a machine was twice as fast as the class. Rates divided by the index, and seconds multiplied with it, are
*normalised*: an estimate of what the class would have measured, for comparing what two machines measured.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

# The reference class: a small rented server of two cores, as most people could have one.
REFERENCE_CLASS = "two-core server, 2026"
REFERENCE_GFLOPS, REFERENCE_GB_PER_S, REFERENCE_MILLION_STEPS_PER_S = 100.0, 10.0, 15.0
_PACKAGES = ("numpy", "safetensors", "tokenizers", "torch", "transformers", "smallhub")


@dataclass(frozen=True)
class Facts:
    """What stands beside every measurement, timed or not."""

    cpu_model: str
    cores: int
    memory_bytes: int
    system: str
    architecture: str
    python: str
    load_average: float


@dataclass(frozen=True)
class Machine(Facts):
    """Facts beside every timing. The three `calibration_…` figures and their `speed_index` were taken just now."""

    calibration_gflops: float
    calibration_gb_per_s: float = REFERENCE_GB_PER_S
    calibration_million_steps_per_s: float = REFERENCE_MILLION_STEPS_PER_S
    speed_index: float = 1.0
    reference_class: str = REFERENCE_CLASS

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def facts() -> Facts:
    """What is known of this machine without a trial."""
    return Facts(
        cpu_model=_cpu_model(),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        python=platform.python_version(),
        load_average=round(os.getloadavg()[0], 2),
    )


def describe() -> Machine:
    """Describe this machine as it is now. Takes about a quarter of a second."""
    known, gflops, gb_per_s, steps = facts(), calibrate(), _copy_gb_per_s(), _million_steps_per_s()
    return Machine(
        **asdict(known),
        calibration_gflops=round(gflops, 2),
        calibration_gb_per_s=round(gb_per_s, 2),
        calibration_million_steps_per_s=round(steps, 2),
        speed_index=round(speed_index(gflops, gb_per_s, steps), 3),
    )


def speed_index(gflops: float, gb_per_s: float, million_steps_per_s: float) -> float:
    """The geometric mean of the three speeds against those of the reference class."""
    ratios = (
        gflops / REFERENCE_GFLOPS,
        gb_per_s / REFERENCE_GB_PER_S,
        million_steps_per_s / REFERENCE_MILLION_STEPS_PER_S,
    )
    return float(np.prod(ratios) ** (1 / len(ratios)))


def packages() -> dict[str, str]:
    """Versions of what takes part in a measurement, as far as it is installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def blas() -> str:
    """The library behind matrix products, by name and version; "" where it is not told."""
    found: Mapping[str, Any] = np.show_config(mode="dicts")
    told = found.get("Build Dependencies", {}).get("blas", {})
    return " ".join(str(told[name]) for name in ("name", "version") if told.get(name))[:120]


def environment_digest() -> str:
    """SHA-256 over the sorted list of all installed `package==version`."""
    return _environment_digest()


@cache
def _environment_digest() -> str:
    rows = {f"{item.metadata['Name']}=={item.version}".lower() for item in metadata.distributions()}
    return hashlib.sha256("\n".join(sorted(rows)).encode("utf-8")).hexdigest()


def cpu_flags_digest() -> str:
    """SHA-256 over the processor's sorted feature flags: other flags may mean other last bits."""
    for line in _cpu_info():
        if line.startswith(("flags", "Features")):
            return hashlib.sha256(" ".join(sorted(line.split(":", 1)[1].split())).encode()).hexdigest()
    return ""


def _cpu_model() -> str:
    for line in _cpu_info():
        if line.startswith(("model name", "CPU part")):
            return line.split(":", 1)[1].strip()[:120]
    return platform.processor() or "unknown"


def _cpu_info() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def calibrate(*, size: int = 384, rounds: int = 6) -> float:
    """Billions of float32 operations a second: the best of a few fixed matrix products."""
    matrix = np.random.default_rng(0).random((size, size), dtype=np.float32)
    return 2 * size**3 / _best_seconds(lambda: np.matmul(matrix, matrix), rounds) / 1e9


def _copy_gb_per_s(*, size_bytes: int = 32 << 20, rounds: int = 4) -> float:
    """Billions of bytes a second, read and written: the best of a few copies, larger than most caches."""
    source = np.ones(size_bytes // 4, dtype=np.float32)
    target = np.empty_like(source)
    return 2 * size_bytes / _best_seconds(lambda: np.copyto(target, source), rounds) / 1e9


def _million_steps_per_s(*, steps: int = 200_000, rounds: int = 4) -> float:
    """Millions of interpreted steps a second: what binds models so small that arithmetic takes no time."""

    def loop() -> int:
        total = 0
        for number in range(steps):
            total += number & 7
        return total

    return steps / _best_seconds(loop, rounds) / 1e6


def _best_seconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)
