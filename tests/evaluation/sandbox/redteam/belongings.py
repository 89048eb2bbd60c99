"""A loader that tells what its process was born with: descriptors, threads, environment, and what is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

runtime, task, capabilities = "hostile", "text-generation", ("tokenize",)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def load(folder: Path, *, threads: int) -> Any:
    return sys.modules[__name__]


def description() -> dict[str, Any]:
    return {
        "descriptors": sum(map(_is_open, range(256))),
        "environment": dict(os.environ),
        "modules": sorted(sys.modules),
        "cores": sorted(os.sched_getaffinity(0)),
        "group": os.getpgid(0) == os.getpid(),
    }


def encode(text: str) -> list[int]:
    return [len(text)]
