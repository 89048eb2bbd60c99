"""A line of versions as an accessible SVG: value and interval of each, baseline and chance behind.

x-positions are percent, so one markup reads at any width; colours are decided by `static/css/versions.css`.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from hub.core.numbers import number

HEIGHT = 140
_TOP, _BOTTOM = 20, 114
_VALUES_WRITTEN = 8


@dataclass(frozen=True)
class Point:
    """One version. `value` is None where it was not measured."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


def draw(
    points: Sequence[Point], *, name: str, unit: str = "", baseline: float | None = None, chance: float | None = None
) -> SafeString:
    """The drawing. Its label says every value, so that nothing is in the picture alone."""
    ends = _ends(points, baseline, chance)
    if ends is None:
        return mark_safe("")
    low, high = ends

    def y(value: float) -> float:
        return round(_BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP), 1)

    parts = [_level("base", y(baseline)) if baseline is not None else ""]
    parts.append(_level("chance", y(chance)) if chance is not None else "")
    places = [(_x(index, len(points)), point) for index, point in enumerate(points) if point.value is not None]
    for (x1, first), (x2, second) in itertools.pairwise(places):
        assert first.value is not None
        assert second.value is not None
        parts.append(f'<line class="path" x1="{x1:g}%" y1="{y(first.value):g}" x2="{x2:g}%" y2="{y(second.value):g}"/>')
    for x, point in places:
        assert point.value is not None
        if point.low is not None and point.high is not None:
            parts.append(f'<line class="ci" x1="{x:g}%" x2="{x:g}%" y1="{y(point.low):g}" y2="{y(point.high):g}"/>')
        parts.append(f'<circle class="dot" cx="{x:g}%" cy="{y(point.value):g}" r="4.5"/>')
        if len(places) <= _VALUES_WRITTEN:
            above = y(point.high if point.high is not None else point.value) - 5
            parts.append(
                f'<text class="strong" x="{x:g}%" y="{above:g}" text-anchor="middle">{number(point.value)}</text>'
            )
    parts += _labels(points)
    label = escape(_spoken(points, name, unit))
    return mark_safe(  # noqa: S308 - every text in it is escaped above.
        f'<svg class="trend-line" role="img" height="{HEIGHT}" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _x(index: int, count: int) -> float:
    return 50.0 if count == 1 else round(6 + 88 * index / (count - 1), 2)


def _level(css: str, y: float) -> str:
    return f'<line class="{css}" x1="0%" x2="100%" y1="{y:g}" y2="{y:g}"/>'


def _ends(points: Sequence[Point], baseline: float | None, chance: float | None) -> tuple[float, float] | None:
    """What the height spans: all that is drawn, with a little room."""
    values = [value for point in points for value in (point.value, point.low, point.high) if value is not None]
    if not values:
        return None
    values += [value for value in (baseline, chance) if value is not None]
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def _labels(points: Sequence[Point]) -> list[str]:
    """The first, the last and as many names between as fit."""
    step = max(1, math.ceil(len(points) / 4))
    shown = sorted({*range(0, len(points), step), len(points) - 1})
    if len(shown) > 2 and shown[-1] - shown[-2] < step:
        del shown[-2]
    parts = []
    for index in shown:
        x = _x(index, len(points))
        anchor = "start" if x < 15 else "end" if x > 85 else "middle"
        label = points[index].label
        text = escape(label if len(label) <= 14 else f"{label[:13]}…")
        parts.append(f'<text x="{x:g}%" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    return parts


def _spoken(points: Sequence[Point], name: str, unit: str) -> str:
    said = []
    for point in points:
        if point.value is None:
            said.append(gettext("%(version)s not measured") % {"version": point.label})
        else:
            said.append(f"{point.label} {number(point.value)}{unit}")
    return f"{name}: " + "; ".join(said)
