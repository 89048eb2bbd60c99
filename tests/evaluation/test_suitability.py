"""What pages say of a model against its card, against devices, and against the machine that all are compared on."""

from typing import Any

import pytest

from evaluation.suitability import fit_rows, reference_rows

COST: dict[str, Any] = {
    "normalised": {
        "reference_class": "two-core server, 2026",
        "speed_index": 0.777,
        "first_token_s": 0.000175,
        "first_answer_s": None,
        "tokens_per_s": 44758.07,
        "answers_per_s": None,
    },
    "fit": [
        {"device": "phone", "answer": "fits", "memory_share": 0.0386, "speed": None, "unit": "token"},
        {"device": "moon", "answer": "never heard of", "memory_share": 0.1, "speed": None, "unit": "token"},
    ],
}


def test_a_slower_machine_is_counted_back_to_the_reference() -> None:
    rows = [(str(name), text) for name, text in reference_rows(COST)]

    assert rows == [
        ("This machine", "0.78 × two-core server, 2026"),
        ("First token there", "0.175 ms"),
        ("Speed there", "44,758 tokens/s"),
    ]


@pytest.mark.parametrize("cost", [{}, {"normalised": {}}, {"bytes": 7}])
def test_without_a_measured_machine_nothing_is_counted_back(cost: dict[str, Any]) -> None:
    assert reference_rows(cost) == []


def test_devices_with_an_answer_are_told() -> None:
    (row,) = fit_rows(COST)

    assert (str(row.name), row.memory_percent, row.speed) == ("Phone", "4", "")
