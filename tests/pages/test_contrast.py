"""Colours can be read: the ratios that the look promises, computed from the tokens (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css").read_text()
COLOURS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+):\s*light-dark\((#\w{6}), (#\w{6})\)", TOKENS)
}
GROUNDS = ("paper", "sheet", "well")
TEXT = {"ink": 7, "ink-2": 7, "ink-3": 4.5, "measured": 4.5, "claimed": 4.5, "failed": 4.5, "running": 4.5}
ON_WASH = {"measured", "better", "worse", "running", "failed"}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_the_formula_gives_the_known_ends():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("token", "ratio"), TEXT.items())
def test_text_can_be_read_on_every_ground(token, ratio, theme):
    found = {ground: contrast(COLOURS[token][theme], COLOURS[ground][theme]) for ground in GROUNDS}

    assert min(found.values()) >= ratio, found


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("token", sorted(ON_WASH))
def test_a_badge_can_be_read_on_its_own_wash(token, theme):
    assert contrast(COLOURS[token][theme], COLOURS[f"{token}-wash"][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_borders_of_controls_can_be_seen(theme):
    assert min(contrast(COLOURS["edge"][theme], COLOURS[ground][theme]) for ground in GROUNDS) >= 3


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_a_search_hit_can_be_read(theme):
    assert contrast(COLOURS["ink"][theme], COLOURS["mark"][theme]) >= 4.5
