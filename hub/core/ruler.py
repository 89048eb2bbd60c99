"""The ruler: one measured value drawn on a fixed scale, as an accessible SVG.

Pure geometry and markup, no database. The scale belongs to what is measured (a benchmark, megabytes, milliseconds),
never to the row, so the same place means the same score on every page. x-positions are percent, so one markup reads at
96 and at 600 px; colours, dashes and what shows at which width are decided by `static/css/ruler.css`.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from hub.core.numbers import number

Kind = Literal["linear", "log"]
State = Literal["measured", "claimed", "partial", "empty"]
_MAX_MAJOR = 7  # More long graduations than this touch each other at 240 px.


@dataclass(frozen=True)
class Scale:
    """The axis of one quantity. A logarithmic scale needs 0 < low < high."""

    low: float
    high: float
    kind: Kind = "linear"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"A scale runs from low to high, got {self.low} and {self.high}.")
        if self.kind == "log" and self.low <= 0:
            raise ValueError(f"A logarithmic scale starts above 0, got {self.low}.")

    def percent(self, value: float) -> float:
        """Where a value sits, 0 to 100; outside the scale it stops at the end."""
        if math.isnan(value):
            return 0.0
        if self.kind == "log":
            if value <= self.low:
                return 0.0
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def graduations(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Long and short graduations, as values: even steps on a linear scale, a slide rule's on a logarithmic one."""
        return _log_graduations(self.low, self.high) if self.kind == "log" else _linear_graduations(self.low, self.high)


@dataclass(frozen=True)
class Marks:
    """What is drawn on a scale. Any mark may be missing; `value` is missing while nothing is measured."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    baseline: float | None = None
    baseline_name: str | Promise = ""
    chance: float | None = None
    previous: float | None = None
    limit: float | None = None


def _nice_step(span: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that leaves at most `_MAX_MAJOR` long graduations."""
    power = 10.0 ** math.floor(math.log10(span / _MAX_MAJOR))
    for factor in (1, 2, 2.5, 5, 10):
        if span / (factor * power) <= _MAX_MAJOR - 1 + 1e-9:
            return factor * power
    return 20 * power


def _linear_graduations(low: float, high: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    step = _nice_step(high - low)
    small = step / 5
    first, last = math.ceil(low / small - 1e-9), math.floor(high / small + 1e-9)
    major = tuple(round(n * small, 10) for n in range(first, last + 1) if n % 5 == 0)
    minor = tuple(round(n * small, 10) for n in range(first, last + 1) if n % 5)
    return major, minor


def _log_graduations(low: float, high: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    decades = range(math.floor(math.log10(low) + 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    marks = [digit * 10.0**decade for decade in decades for digit in range(1, 10)]
    inside = [mark for mark in marks if low * (1 - 1e-9) <= mark <= high * (1 + 1e-9)]
    tens = [mark for mark in inside if _leading_digit(mark) == 1]
    long_digits = {1} if len(tens) >= 3 else {1, 2, 5}
    major = [mark for mark in inside if _leading_digit(mark) in long_digits]
    if len(major) < 2:  # So narrow that it is nearly even: even steps read best.
        return _linear_graduations(low, high)
    if len(major) > _MAX_MAJOR:  # Six decades and more: every second power of ten.
        major = major[::2]
        return tuple(major), tuple(mark for mark in tens if mark not in major)
    return tuple(major), tuple(mark for mark in inside if mark not in major)


def _leading_digit(mark: float) -> int:
    return round(mark / 10.0 ** math.floor(math.log10(mark) + 1e-9))


def _line(css: str, x1: float, x2: float, y1: float = 0, y2: float = 0) -> str:
    name = f' class="{css}"' if css else ""
    return f'<line{name} x1="{x1:g}%" x2="{x2:g}%" y1="{y1:g}" y2="{y2:g}"/>'


@lru_cache(maxsize=256)
def _axis(scale: Scale, higher_is_better: bool | None, numbers: bool) -> str:
    """The scale itself: line, graduations, arrowhead at the better end, numbers for wide places."""
    major, minor = scale.graduations()
    parts = [_line("scale", 0, 100), '<g class="scale">']
    parts += [_line("", x, x, 0, 6) for x in map(scale.percent, major)]
    parts.append('</g><g class="scale minor">')
    parts += [_line("", x, x, 0, 3) for x in map(scale.percent, minor)]
    parts.append("</g>")
    if higher_is_better is not None:
        x, path = (100, "M0-3.5 5 0 0 3.5z") if higher_is_better else (0, "M0-3.5-5 0 0 3.5z")
        parts.append(f'<svg class="way" x="{x}%" overflow="visible"><path d="{path}"/></svg>')
    if numbers:
        parts.append('<g class="lab">')
        parts += [f'<text x="{scale.percent(m):g}%" y="18" text-anchor="middle">{number(m)}</text>' for m in major]
        parts.append("</g>")
    return "".join(parts)


def _tick(css: str, x: float, rect: str) -> str:
    return f'<svg x="{x:g}%" overflow="visible"><rect class="{css}" {rect}/></svg>'


def _anchor(x: float) -> str:
    """A name near an end grows inwards, so that it never leaves the drawing."""
    return "start" if x < 12 else "end" if x > 88 else "middle"


def _names(scale: Scale, marks: Marks) -> str:
    """Names of chance and baseline above the scale. Where they would collide, the baseline's name wins."""
    base_x = None if marks.baseline is None else scale.percent(marks.baseline)
    chance_x = None if marks.chance is None else scale.percent(marks.chance)
    parts = []
    if chance_x is not None and (base_x is None or abs(base_x - chance_x) > 24):
        label = escape(gettext("chance %(value)s") % {"value": number(marks.chance)})
        parts.append(f'<text x="{chance_x:g}%" y="-12" text-anchor="{_anchor(chance_x)}">{label}</text>')
    if base_x is not None:
        label = escape(f"{marks.baseline_name or gettext('baseline')} {number(marks.baseline)}")
        parts.append(f'<text x="{base_x:g}%" y="-12" text-anchor="{_anchor(base_x)}">{label}</text>')
    return f'<g class="lab">{"".join(parts)}</g>' if parts else ""


def _drawn(scale: Scale, marks: Marks, state: State, higher_is_better: bool | None) -> str:
    parts = []
    if marks.chance is not None:
        parts.append(_tick("chance", scale.percent(marks.chance), 'x="-1.5" y="-7.5" width="3" height="8"'))
    if marks.baseline is not None:
        parts.append(_tick("base", scale.percent(marks.baseline), 'x="-1" y="-9" width="2" height="10"'))
    if marks.value is None or state == "empty":
        return "".join(parts)
    x = scale.percent(marks.value)
    if state != "claimed" and marks.ci_low is not None and marks.ci_high is not None:
        left, right = scale.percent(marks.ci_low), scale.percent(marks.ci_high)
        parts += [_line("ci", left, right), _line("cap", left, left, -5, 5), _line("cap", right, right, -5, 5)]
    if marks.previous is not None:
        before = scale.percent(marks.previous)
        better = (marks.value > marks.previous) == (higher_is_better is not False)
        way = "" if marks.value == marks.previous else " better" if better else " worse"
        parts.append(_line(f"move{way}", before, x, -7, -7))
        parts.append(f'<circle class="prev" cx="{before:g}%" cy="-7" r="2.5"/>')
    parts.append(f'<circle class="dot" cx="{x:g}%" r="4"/>')
    return "".join(parts)


def touches_chance(marks: Marks) -> bool:
    """Whether the interval holds the value of guessing: then nothing is shown yet."""
    if marks.chance is None or marks.ci_low is None or marks.ci_high is None:
        return False
    return marks.ci_low <= marks.chance <= marks.ci_high


def spoken(name: str, marks: Marks, state: State, unit: str, higher_is_better: bool | None) -> str:
    """The whole reading as one sentence, for those who hear the page."""
    if marks.value is None or state == "empty":
        return gettext("%(name)s: not measured") % {"name": name}
    parts = [f"{number(marks.value)} {unit}".strip()]
    if state == "claimed":
        parts.append(gettext("claimed by the author, not measured"))
    elif state == "partial":
        parts.append(gettext("partial"))
    elif touches_chance(marks):
        parts.append(gettext("not told apart from chance"))
    if state != "claimed" and marks.ci_low is not None and marks.ci_high is not None:
        ends = {"low": number(marks.ci_low), "high": number(marks.ci_high)}
        parts.append(gettext("95 %% interval %(low)s to %(high)s") % ends)
    if marks.previous is not None:
        parts.append(gettext("previous release %(value)s") % {"value": number(marks.previous)})
    if marks.baseline is not None:
        parts.append(f"{marks.baseline_name or gettext('baseline')} {number(marks.baseline)}")
    if marks.chance is not None:
        parts.append(gettext("chance %(value)s") % {"value": number(marks.chance)})
    if higher_is_better is not None:
        parts.append(gettext("higher is better") if higher_is_better else gettext("lower is better"))
    return f"{name}: {'; '.join(parts)}" if name else "; ".join(parts)


def draw(
    scale: Scale,
    marks: Marks,
    *,
    name: str = "",
    unit: str = "",
    state: State = "measured",
    higher_is_better: bool | None = None,
    short: bool = False,
) -> SafeString:
    """Draw one ruler. Everything in it is a number or escaped, so the result is safe markup."""
    state = "empty" if marks.value is None else state
    style = "chance" if state == "measured" and touches_chance(marks) else state
    css = "ruler" + ("" if style == "measured" else f" ruler--{style}") + (" ruler--short" if short else "")
    limit = ""
    if marks.limit is not None:
        x = scale.percent(marks.limit)
        left, width = (x, round(100 - x, 2)) if higher_is_better else (0, x)
        limit = f'<rect class="limit" x="{left:g}%" width="{width:g}%" y="-6" height="12"/>'
    names = "" if short else _names(scale, marks)
    body = limit + _axis(scale, higher_is_better, not short) + names + _drawn(scale, marks, state, higher_is_better)
    label = escape(spoken(name, marks, state, unit, higher_is_better))
    svg = f'<svg role="img" aria-label="{label}"><g class="r">{body}</g></svg>'
    return mark_safe(f'<span class="{css}">{svg}</span>')  # noqa: S308 - escaped above


def draw_axis(scale: Scale, *, higher_is_better: bool | None = None) -> SafeString:
    """The one axis in the head of a column of rulers: numbers above, graduations below them."""
    major, _ = scale.graduations()
    parts = [_line("scale", 0, 100), '<g class="scale">']
    parts += [_line("", x, x, 0, -4) for x in map(scale.percent, major)]
    parts.append("</g>")
    parts += [f'<text x="{scale.percent(m):g}%" y="-8" text-anchor="middle">{number(m)}</text>' for m in major]
    if higher_is_better is not None:
        x, path = (100, "M0-3.5 5 0 0 3.5z") if higher_is_better else (0, "M0-3.5-5 0 0 3.5z")
        parts.append(f'<svg class="way" x="{x}%" overflow="visible"><path d="{path}"/></svg>')
    body = "".join(parts)
    return mark_safe(  # noqa: S308 - numbers only
        f'<span class="ruler ruler--axis" aria-hidden="true"><svg><g class="r">{body}</g></svg></span>'
    )
