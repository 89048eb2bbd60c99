"""How torch is used here: on the CPU, without gradients, the same result each time."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
import torch.utils.deterministic

_SETTINGS: Any = torch.utils.deterministic  # Its attributes are made at run time, unseen by type checkers.


@contextmanager
def exact() -> Iterator[None]:
    """Inference whose result depends on inputs and thread count alone. The process's own setting is put back after."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = _SETTINGS.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory before writing it, so filling all of it first would only take time.
    _SETTINGS.fill_uninitialized_memory = False
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
        _SETTINGS.fill_uninitialized_memory = filled


# What networks raise when they are asked for what they were not made for. Ours may be the same: see `is_of_network`.
CANNOT = (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, AttributeError)
_OURS = f"{Path(__file__).parent.as_posix()}/"
_NETWORKS = ("torch/nn/modules/module.py", "torch/autograd/__init__.py", "torch/autograd/graph.py")


def is_of_network(error: Exception) -> bool:
    """Whether a network raised it, on the way through or back: then this network cannot do what was tried.

    What our own code raises is a fault of ours, and memory that ran out says nothing of the network.
    """
    if "allocate" in str(error):
        return False
    files = [frame.f_code.co_filename.replace("\\", "/") for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = max((place for place, name in enumerate(files) if name.startswith(_OURS)), default=-1)
    return any(name.endswith(_NETWORKS) for name in files[ours + 1 :])


def set_threads(threads: int | None) -> None:
    """Limit torch to so many threads within an operation, and to one operation at a time, in this whole process."""
    if threads is not None:
        torch.set_num_threads(max(1, threads))
        if torch.get_num_interop_threads() != 1:
            with suppress(RuntimeError):  # It can be set until the first operation that asks for it.
                torch.set_num_interop_threads(1)


def choose(logits: torch.Tensor, *, temperature: float, generator: torch.Generator) -> int:
    """Pick the next id: the likeliest (the first of equals) at temperature 0, else a draw."""
    if temperature == 0:
        return int(torch.argmax(logits))
    probabilities = torch.softmax(logits.double() / temperature, dim=-1)
    return int(torch.multinomial(probabilities, 1, generator=generator))


def parameter_count(module: torch.nn.Module) -> int:
    """Numbers in all parameters; tied ones count once."""
    return sum(parameter.numel() for parameter in module.parameters())


def check_finite(module: torch.nn.Module) -> list[str]:
    """Names of parameters that hold NaN or infinity."""
    return [name for name, parameter in module.named_parameters() if not bool(torch.isfinite(parameter).all())]
