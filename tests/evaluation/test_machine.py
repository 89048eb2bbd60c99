"""The machine's figures."""

from __future__ import annotations

import json

import pytest

from evaluation import machine


def test_a_machine_describes_itself_with_what_it_can_do_now() -> None:
    found = machine.describe()

    assert found.reference_class == machine.REFERENCE_CLASS
    assert min(found.calibration_gflops, found.calibration_gb_per_s, found.calibration_million_steps_per_s) > 0
    assert found.speed_index > 0
    json.dumps(found.as_json())


def test_the_index_is_one_on_the_reference_class_and_grows_with_each_part() -> None:
    reference = (machine.REFERENCE_GFLOPS, machine.REFERENCE_GB_PER_S, machine.REFERENCE_MILLION_STEPS_PER_S)

    assert machine.speed_index(*reference) == pytest.approx(1)
    assert machine.speed_index(*(2 * each for each in reference)) == pytest.approx(2)
    assert machine.speed_index(8 * reference[0], reference[1], reference[2]) == pytest.approx(2)
