"""Numbers read the same on every page."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.core.numbers import count_parts, duration, number, since, size_parts, tick_print


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0, "0"),
        (61.84, "61.8"),
        (60.0, "60"),
        (8192, "8,192"),
        (0.05192, "0.0519"),
        (-1.66, "−1.66"),
        (1234567.0, "1,234,567"),
        (float("inf"), "∞"),
        (float("nan"), "—"),
    ],
)
def test_a_number_keeps_the_figures_that_mean_something(value, text):
    assert number(value) == text


def test_fixed_decimals_keep_their_zeros():
    assert number(80, decimals=1) == "80.0"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (23, "23 B"),
        (700, "0.7 kB"),
        (999_400, "999 kB"),
        (999_900, "1 MB"),
        (66_900_000, "66.9 MB"),
        (2_000_000_000, "2 GB"),
        (5e15, "5,000 TB"),
    ],
)
def test_sizes_use_decimal_units(size, text):
    assert " ".join(size_parts(size)) == text


def test_large_counts_are_shortened_and_small_ones_are_whole():
    assert count_parts(33_400_000) == ("33.4", "M")
    assert count_parts(8_192) == ("8,192", "")
    assert count_parts(1_340_000_000) == ("1.34", "G")


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=1, hours=3), "yesterday"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=31), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_an_age_uses_the_largest_unit_that_says_something(age, text):
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert since(now - age, now) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0041, "4.1 ms"), (3.14, "3.1 s"), (58, "58 s"), (612, "10 min"), (4000, "1 h 7 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_tick_print_is_six_bars_inside_its_field_and_depends_on_the_name_alone():
    bars = tick_print("Ada-Wyn")

    assert bars == tick_print("ada-wyn") != tick_print("ines-okafor")
    assert [x for x, _, _ in bars] == [6, 10, 14, 18, 22, 26]
    assert all(4 <= low < high <= 28 for _, low, high in bars)
