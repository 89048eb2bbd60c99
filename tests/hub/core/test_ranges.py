import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.ranges import Span, Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-99", Span(0, 100)),
        ("bytes=10-", Span(10, 1000)),
        ("bytes=-10", Span(990, 1000)),
        ("bytes=-5000", Span(0, 1000)),
        ("bytes=0-99999", Span(0, 1000)),
        (None, None),
        ("", None),
        ("bytes=0-1,5-6", None),
        ("bytes=9-3", None),
        ("lines=1-2", None),
        ("bytes=" + "1" * 2000, None),
    ],
)
def test_one_range_is_read_and_anything_cleverer_sends_everything(header, expected) -> None:
    assert read_range(header, 1000) == expected


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=2000-3000", "bytes=-0"])
def test_a_range_past_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, 1000)


@given(st.text(max_size=40), st.integers(0, 10**6))
def test_no_header_breaks_the_reader(text: str, size: int) -> None:
    try:
        span = read_range(text, size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.start < span.stop <= size
