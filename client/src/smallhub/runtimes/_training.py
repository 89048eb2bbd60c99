"""What trainers of our own networks share: the clock, the learning rate, and draws that leave the caller's alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

_WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is. `loss` is in nats per unit, averaged over the last steps."""

    step: int
    loss: float
    seconds: float


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draws from a seed; what others draw afterwards is not changed by it."""
    before = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(before)


def fit(
    network: torch.nn.Module,
    loss_of: Callable[[], torch.Tensor],
    *,
    learning_rate: float,
    max_steps: int,
    max_seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Run AdamW. The learning rate rises for a twentieth of the way, then falls to a tenth along a cosine.

    Args:
        loss_of: computes the loss of the next batch.
    """
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.01)
    began, losses = time.monotonic(), [float("nan")]
    progress = Progress(0, losses[0], 0.0)
    for step in range(1, max_steps + 1):
        seconds = time.monotonic() - began
        if max_seconds is not None and seconds >= max_seconds:
            break
        done = max(step / max_steps, seconds / max_seconds if max_seconds else 0.0)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(1.0, done / _WARM_UP) * (0.55 + 0.45 * math.cos(math.pi * done))
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses = [*losses[-49:], float(loss.detach())] if step > 1 else [float(loss.detach())]
        progress = Progress(step, sum(losses) / len(losses), seconds)
        if on_progress and step % 25 == 0:
            on_progress(progress)
    network.eval()
    return progress
