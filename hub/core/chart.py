"""Quality against what it costs, as an accessible SVG: points that are links, their intervals, and the front.

Pure geometry and markup, no database. x is in percent and y in pixels, so that text keeps its size on a phone; colours
are decided by `static/css/charts.css`. Better is always up, and cheaper is left.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from hub.core.numbers import number
from hub.core.ruler import Scale

HEIGHT = 340
_MAX_LABELS = 10


@dataclass(frozen=True)
class Point:
    """One model. `spoken` is the whole reading as a sentence; `url` leads to the model."""

    x: float
    y: float
    low: float
    high: float
    label: str
    spoken: str
    url: str
    is_on_front: bool = False
    is_marked: bool = False


@dataclass(frozen=True)
class Plot:
    """What surrounds the points. `lines` are horizontal ones: (value, words, whether dashed)."""

    x: Scale
    y: Scale
    x_title: str
    y_title: str
    higher_is_better: bool
    spoken: str
    lines: tuple[tuple[float, str, bool], ...] = ()

    def top(self, value: float) -> float:
        """Pixels from the top."""
        share = self.y.percent(value) / 100
        return round(HEIGHT * (1 - share if self.higher_is_better else share), 1)


def decades(values: Sequence[float]) -> Scale:
    """A logarithmic scale over whole powers of ten that holds all of these."""
    known = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    return Scale(10.0**low, 10.0 ** max(high, low + 1), "log")


def draw_pareto(plot: Plot, points: Sequence[Point]) -> SafeString:
    """Draw the chart. All words in it are escaped, the rest are numbers, so the result is safe markup."""
    front = [point for point in points if point.is_on_front]
    behind = [point for point in points if not point.is_on_front]
    ordered = sorted(front, key=lambda point: point.x)
    labelled = _labelled(plot, ordered)
    body = [*_axes(plot), *_front(plot, ordered), *_lines(plot)]
    body += [_point(plot, point, has_label=False) for point in behind]
    body += [_point(plot, point, has_label=point in labelled) for point in ordered]
    svg = f'<svg class="chart" height="{HEIGHT}" role="group" aria-label="{escape(plot.spoken)}">{"".join(body)}</svg>'
    return mark_safe(f'<div class="plot">{svg}</div>')  # noqa: S308 - escaped above


def _axes(plot: Plot) -> list[str]:
    parts = []
    for value in plot.y.graduations()[0]:
        y = plot.top(value)
        parts.append(f'<line class="grid" x1="0" x2="100%" y1="{y:g}" y2="{y:g}"/>')
        label = f'<text class="t-small" x="0" dx="-8" y="{y + 4:g}" text-anchor="end">{number(value)}</text>'
        parts.append(label)
    parts.append(f'<line class="axis" x1="0" x2="100%" y1="{HEIGHT}" y2="{HEIGHT}"/>')
    major, minor = plot.x.graduations()
    for values, length in ((minor, 4), (major, 8)):
        parts += [
            f'<line class="tick" x1="{x:g}%" x2="{x:g}%" y1="{HEIGHT}" y2="{HEIGHT + length}"/>'
            for x in map(plot.x.percent, values)
        ]
    for value in major:
        x = plot.x.percent(value)
        anchor = "start" if x < 2 else "end" if x > 98 else "middle"
        parts.append(
            f'<text class="t-small" x="{x:g}%" y="{HEIGHT + 21}" text-anchor="{anchor}">{number(value)}</text>'
        )
    parts.append(f'<text x="100%" y="{HEIGHT + 40}" text-anchor="end">{escape(plot.x_title)}</text>')
    parts.append(f'<text x="0" dx="-34" y="-14">{escape(plot.y_title)}</text>')
    return parts


def _front(plot: Plot, ordered: Sequence[Point]) -> list[str]:
    """The stepped line, and what lies under it."""
    if not ordered:
        return []
    first = plot.x.percent(ordered[0].x)
    way = f"M{first:.2f} {HEIGHT}" + "".join(
        f"{'V' if index == 0 else f'H{plot.x.percent(point.x):.2f}V'}{plot.top(point.y):g}"
        for index, point in enumerate(ordered)
    )
    area, line = f"{way}H100V{HEIGHT}z", f"{way}H100"
    box = f'width="100%" height="{HEIGHT}" viewBox="0 0 100 {HEIGHT}" preserveAspectRatio="none" overflow="visible"'
    paths = f'<path class="front-area" d="{area}"/><path class="front" vector-effect="non-scaling-stroke" d="{line}"/>'
    return [f'<svg {box} aria-hidden="true">{paths}</svg>']


def _lines(plot: Plot) -> list[str]:
    parts = []
    for value, words, is_dashed in plot.lines:
        y = plot.top(value)
        kind = "refline" if is_dashed else "refline refline--dots"
        parts.append(f'<line class="{kind}" x1="0" x2="100%" y1="{y:g}" y2="{y:g}"/>')
        below = min(y + 14, HEIGHT - 7) if is_dashed else max(y - 7, 7)
        parts.append(f'<text class="t-small" x="100%" y="{below:g}" text-anchor="end">{escape(words)}</text>')
    return parts


def _labelled(plot: Plot, ordered: Sequence[Point]) -> list[Point]:
    """Which points of the front are named beside them: the best first, none over another."""
    chosen: list[Point] = []
    for point in sorted(ordered, key=lambda point: (not point.is_marked, plot.top(point.y))):
        near = [
            other
            for other in chosen
            if abs(plot.top(other.y) - plot.top(point.y)) < 18
            and abs(plot.x.percent(other.x) - plot.x.percent(point.x)) < 22
        ]
        if not near and len(chosen) < _MAX_LABELS:
            chosen.append(point)
    return chosen


def _point(plot: Plot, point: Point, *, has_label: bool) -> str:
    x, y = plot.x.percent(point.x), plot.top(point.y)
    off = "" if point.is_on_front else " off"
    mark = " mine" if point.is_marked else off
    radius = 5 if point.is_on_front or point.is_marked else 4
    parts = [
        f'<line class="wh{off}" x1="{x:g}%" x2="{x:g}%" y1="{plot.top(point.low):g}" y2="{plot.top(point.high):g}"/>'
    ]
    parts.append(f'<circle class="hit" cx="{x:g}%" cy="{y:g}" r="12"/>')
    parts.append(f'<circle class="pt{mark}" cx="{x:g}%" cy="{y:g}" r="{radius}"/>')
    if has_label:
        side, dx = ("end", -10) if x > 25 else ("start", 10)
        name = "t-name plot-label" if point.is_marked else "plot-label"
        dy = -9 if side == "end" else 16
        label = escape(point.label)
        parts.append(f'<text class="{name}" x="{x:g}%" dx="{dx}" y="{y + dy:g}" text-anchor="{side}">{label}</text>')
    title = escape(point.spoken)
    return f'<a href="{escape(point.url)}" aria-label="{title}"><title>{title}</title>{"".join(parts)}</a>'
