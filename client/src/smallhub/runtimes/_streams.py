"""Batches in streams side by side, each on a processor of its own: small matrices gain little from many threads each.

A batch gives the same number in whichever stream it is computed, so what comes out depends on no order in time.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

MAX_STREAMS = 4

RULE = f"batches in at most {MAX_STREAMS} streams side by side, which part the threads among them"

_Batch = TypeVar("_Batch")
_Answer = TypeVar("_Answer")
_ONE_AT_A_TIME = threading.Lock()  # The number of threads belongs to the whole process.


@contextmanager
def one_thread() -> Iterator[None]:
    """Work on a few tokens: where the machine is busy, threads that share it wait for each other at each step's end."""
    with _ONE_AT_A_TIME:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


class Streams:
    """Shares out work on one network of the transformers library."""

    def __init__(self, network: Any) -> None:
        self._networks = [network]
        self._has_all = False

    def run(self, work: Callable[[Any, _Batch], _Answer], batches: Sequence[_Batch]) -> list[_Answer]:
        """The answer of each batch, in their order. `work` gets a network that nobody else uses meanwhile."""
        with _ONE_AT_A_TIME:
            threads = torch.get_num_threads()
            networks = self._some(min(threads, MAX_STREAMS, len(batches)))
            number = len(networks)
            if number == 1:
                with torch.inference_mode():
                    return [work(networks[0], batch) for batch in batches]

            def stream(at: int) -> list[_Answer]:
                torch.set_num_threads(threads // number)
                with torch.inference_mode():
                    return [work(networks[at], batch) for batch in batches[at::number]]

            torch.set_num_threads(threads // number)
            try:
                with ThreadPoolExecutor(number) as pool:
                    parts = list(pool.map(stream, range(number)))
            finally:
                torch.set_num_threads(threads)
        return [parts[place % number][place // number] for place in range(len(batches))]

    def _some(self, number: int) -> list[Any]:
        """So many networks, or as many as there can be."""
        while len(self._networks) < number and not self._has_all:
            twin = _twin(self._networks[0])
            self._has_all = twin is None
            self._networks += [] if twin is None else [twin]
        return self._networks[: max(1, number)]


def _twin(network: Any) -> Any:
    """Another network of the same weights, in which whatever a pass leaves behind is its own; None if that fails."""
    shared = {id(weights): weights for weights in network.parameters()}
    try:
        with torch.inference_mode(mode=False):
            return copy.deepcopy(network, shared)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return None
