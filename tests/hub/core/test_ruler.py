"""The ruler says the same with its drawing and with its words."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.ruler import Marks, Scale, draw, draw_axis, spoken, touches_chance

PERCENT = Scale(50, 90)


def parsed(markup: str) -> ET.Element:
    """The drawing as a tree; fails where the markup is not well formed."""
    return ET.fromstring(markup)


def of_class(tree: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in tree.iter() if name in element.get("class", "").split()]


def test_a_linear_scale_places_a_value_by_its_share_of_the_way():
    assert PERCENT.percent(74.9) == 62.25
    assert PERCENT.percent(50) == 0
    assert PERCENT.percent(90) == 100


def test_a_logarithmic_scale_places_equal_factors_at_equal_distances():
    scale = Scale(0.1, 1000, "log")

    assert [scale.percent(value) for value in (0.1, 1, 10, 100, 1000)] == [0, 25, 50, 75, 100]


@pytest.mark.parametrize("scale", [PERCENT, Scale(1, 1000, "log")])
def test_a_value_off_the_scale_stops_at_the_end(scale):
    assert scale.percent(-5) == 0
    assert scale.percent(1e9) == 100


@pytest.mark.parametrize(("low", "high", "kind"), [(1, 1, "linear"), (5, 2, "linear"), (0, 10, "log"), (-1, 10, "log")])
def test_an_impossible_scale_is_refused(low, high, kind):
    with pytest.raises(ValueError, match="scale"):
        Scale(low, high, kind)


def test_a_linear_scale_has_even_graduations():
    major, minor = PERCENT.graduations()

    assert major == (50, 60, 70, 80, 90)
    assert minor[:4] == (52, 54, 56, 58)
    assert not set(major) & set(minor)


def test_a_logarithmic_scale_has_a_slide_rules_graduations():
    assert Scale(1, 1000, "log").graduations()[0] == (1, 10, 100, 1000)
    assert Scale(20, 500, "log").graduations() == ((20, 50, 100, 200, 500), (30, 40, 60, 70, 80, 90, 300, 400))


@given(
    low=st.floats(-1e6, 1e6),
    span=st.floats(1e-3, 1e6),
    kind=st.sampled_from(["linear", "log"]),
    factor=st.floats(2, 1e9),
)
def test_graduations_lie_on_the_scale_and_stay_few(low, span, kind, factor):
    scale = Scale(abs(low) + 1e-3, (abs(low) + 1e-3) * factor, "log") if kind == "log" else Scale(low, low + span)

    major, minor = scale.graduations()

    assert 2 <= len(major) <= 8
    slack = (scale.high - scale.low) * 1e-6 + abs(scale.high) * 1e-6
    assert all(scale.low - slack <= mark <= scale.high + slack for mark in (*major, *minor))


def test_the_dot_the_whisker_and_the_ticks_stand_where_their_numbers_say():
    marks = Marks(value=74.9, ci_low=73.4, ci_high=76.3, baseline=61.2, baseline_name="5-gram", chance=50)

    tree = parsed(draw(PERCENT, marks, name="BLiMP", unit="%", higher_is_better=True))

    assert [dot.get("cx") for dot in of_class(tree, "dot")] == ["62.25%"]
    (whisker,) = of_class(tree, "ci")
    assert (whisker.get("x1"), whisker.get("x2")) == ("58.5%", "65.75%")
    assert len(of_class(tree, "cap")) == 2
    assert len(of_class(tree, "base")) == len(of_class(tree, "chance")) == 1
    assert [arrow.get("x") for arrow in of_class(tree, "way")] == ["100%"]


def test_the_arrow_points_left_where_lower_is_better():
    tree = parsed(draw(Scale(1, 100, "log"), Marks(value=10), higher_is_better=False))

    assert [arrow.get("x") for arrow in of_class(tree, "way")] == ["0%"]


def test_an_interval_that_holds_chance_is_drawn_as_a_ring():
    marks = Marks(value=51.1, ci_low=48.3, ci_high=53.8, chance=50)

    markup = draw(Scale(40, 70), marks)

    assert touches_chance(marks)
    assert "ruler--chance" in markup
    assert "not told apart from chance" in markup


def test_a_claim_is_dashed_and_has_no_whisker():
    markup = draw(PERCENT, Marks(value=76, ci_low=70, ci_high=80), state="claimed")

    assert "ruler--claimed" in markup
    assert not of_class(parsed(markup), "ci")
    assert "claimed by the author, not measured" in markup


def test_a_partial_score_says_so():
    markup = draw(PERCENT, Marks(value=80, ci_low=78, ci_high=82), state="partial")

    assert "ruler--partial" in markup
    assert of_class(parsed(markup), "ci")
    assert "partial" in parsed(markup)[0].get("aria-label")


def test_nothing_measured_leaves_the_scale_without_a_dot():
    markup = draw(PERCENT, Marks(value=None, chance=50), name="PIQA")

    assert "ruler--empty" in markup
    assert not of_class(parsed(markup), "dot")
    assert parsed(markup)[0].get("aria-label") == "PIQA: not measured"


@pytest.mark.parametrize(
    ("value", "previous", "higher", "word"),
    [(74.9, 73.1, True, "better"), (64.2, 73.0, True, "worse"), (40, 60, False, "better"), (60, 40, False, "worse")],
)
def test_the_way_from_the_last_release_is_coloured_by_direction(value, previous, higher, word):
    tree = parsed(draw(Scale(0, 100), Marks(value=value, previous=previous), higher_is_better=higher))

    assert [line.get("class") for line in of_class(tree, "move")] == [f"move {word}"]
    assert len(of_class(tree, "prev")) == 1


def test_a_limit_highlights_the_side_that_fits():
    (low,) = of_class(parsed(draw(Scale(0, 100), Marks(value=10, limit=40), higher_is_better=False)), "limit")
    (high,) = of_class(parsed(draw(Scale(0, 100), Marks(value=10, limit=40), higher_is_better=True)), "limit")

    assert (low.get("x"), low.get("width")) == ("0%", "40%")
    assert (high.get("x"), high.get("width")) == ("40%", "60%")


def test_the_whole_reading_is_said_in_words():
    marks = Marks(
        value=74.9, ci_low=73.4, ci_high=76.3, baseline=61.2, baseline_name="5-gram", chance=50, previous=73.1
    )

    said = spoken("BLiMP accuracy", marks, "measured", "%", True)

    assert said == (
        "BLiMP accuracy: 74.9 %; 95 % interval 73.4 to 76.3; previous release 73.1; 5-gram 61.2; chance 50;"
        " higher is better"
    )


def test_names_from_outside_cannot_break_out_of_the_drawing():
    markup = draw(PERCENT, Marks(value=60, baseline=55, baseline_name='"><script>x</script>'), name="<b>&")

    assert "<script>" not in markup
    assert parsed(markup)[0].get("aria-label").startswith("<b>&: 60")


@given(value=st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), short=st.booleans())
def test_any_number_gives_a_well_formed_drawing(value, short):
    tree = parsed(draw(PERCENT, Marks(value=value, ci_low=value, ci_high=value, chance=50), short=short))

    assert tree[0].get("role") == "img"


def test_the_axis_carries_the_numbers_and_is_hidden_from_readers():
    tree = parsed(draw_axis(PERCENT, higher_is_better=True))

    assert tree.get("aria-hidden") == "true"
    assert [text.text for text in tree.iter("text")] == ["50", "60", "70", "80", "90"]
