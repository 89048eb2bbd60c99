"""The machine a measurement was made on, and one figure that says how fast it was at that moment."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGES = ("numpy", "safetensors", "tokenizers", "torch", "transformers", "smallhub")


@dataclass(frozen=True)
class Machine:
    """Facts beside every timing. `calibration_gflops`: a fixed float32 matrix product on one thread, just now."""

    cpu_model: str
    cores: int
    memory_bytes: int
    system: str
    architecture: str
    python: str
    load_average: float
    calibration_gflops: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def describe() -> Machine:
    """Describe this machine as it is now. Takes about a tenth of a second."""
    return Machine(
        cpu_model=_cpu_model(),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        python=platform.python_version(),
        load_average=round(os.getloadavg()[0], 2),
        calibration_gflops=round(_calibrate(), 2),
    )


def packages() -> dict[str, str]:
    """Versions of what takes part in a measurement, as far as it is installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


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


def _calibrate(*, size: int = 384, rounds: int = 6) -> float:
    """Billions of float32 operations a second: the best of a few fixed matrix products."""
    matrix = np.random.default_rng(0).random((size, size), dtype=np.float32)
    best = min(_seconds_of_product(matrix) for _ in range(rounds))
    return 2 * size**3 / best / 1e9


def _seconds_of_product(matrix: np.ndarray[Any, Any]) -> float:
    began = time.perf_counter()
    np.matmul(matrix, matrix)
    return time.perf_counter() - began
