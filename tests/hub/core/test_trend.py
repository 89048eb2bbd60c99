"""The line of versions: everything that is drawn is also said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.trend import HEIGHT, Point, draw


def test_it_says_every_value_and_what_is_missing():
    drawn = draw([Point("v1", 60.0, 50.0, 70.0), Point("v2", None), Point("v<3>", 86.0)], name="Pairs", unit=" %")

    assert 'aria-label="Pairs: v1 60 %; v2 not measured; v&lt;3&gt; 86 %"' in drawn
    assert drawn.count("<circle") == 2
    assert drawn.count('class="ci"') == 1
    assert drawn.count('class="path"') == 1
    assert "style=" not in drawn


def test_nothing_measured_draws_nothing():
    assert draw([Point("v1", None)], name="Pairs") == ""
    assert draw([], name="Pairs") == ""


@pytest.mark.parametrize("count", [1, 2, 5, 9, 20])
def test_no_more_names_than_fit(count: int):
    drawn = draw([Point(f"v{n}.0.0-alpha.beta.gamma", float(n)) for n in range(count)], name="Pairs", chance=0.5)

    names = re.findall(r">(v[^<]*)</text>", drawn)
    assert 1 <= len(names) <= 5
    assert names[0].startswith("v0")
    assert names[-1].startswith(f"v{count - 1}")
    assert all(len(name) <= 14 for name in names)


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=20))
def test_every_mark_is_inside(values: list[float | None]):
    drawn = draw([Point(str(n), value) for n, value in enumerate(values)], name="x", baseline=0.0)

    for place in re.findall(r' c?y[12]?="(-?[0-9.e+]+)"', drawn):
        assert 0 <= float(place) <= HEIGHT
