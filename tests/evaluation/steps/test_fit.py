"""The rule that predicts where a model runs."""

from __future__ import annotations

import pytest

from evaluation.steps.fit import GB, MB, predict


def answers(**given: object) -> dict[str, str]:
    usual = {"weight_bytes": 50 * MB, "memory_bytes": 300 * MB, "rates": {"tokens_per_s": 100.0}, "index": 1.0}
    return {fit.device: fit.answer for fit in predict(**(usual | given))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "phone", "laptop"),
    [
        ({}, "fits", "fits"),
        ({"memory_bytes": 900 * MB}, "tight", "fits"),
        ({"memory_bytes": 2 * GB}, "too_large", "fits"),
        ({"weight_bytes": 301 * MB}, "too_large", "fits"),
        ({"rates": {"tokens_per_s": 10.0}}, "tight", "fits"),
        ({"rates": {"tokens_per_s": 4.0}}, "too_slow", "tight"),
        ({"rates": {"answers_per_s": 4.0}}, "tight", "fits"),
        ({"rates": {}}, "fits", "fits"),
        # Measured on a machine twice as fast as the reference class.
        ({"rates": {"tokens_per_s": 20.0}, "index": 2.0}, "tight", "fits"),
    ],
)
def test_disk_memory_and_speed_decide(given: dict[str, object], phone: str, laptop: str) -> None:
    found = answers(**given)

    assert (found["phone"], found["laptop"]) == (phone, laptop)
