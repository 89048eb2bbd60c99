"""What every page is written with: the ruler, marks, badges, and how sizes and ages read."""

from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, pgettext_lazy

from hub.core import numbers, ruler

register = template.Library()

# A state, as its row names it → style of the badge, icon, word. One table, so that no page invents its own.
BADGES: dict[str, tuple[str, str, str | Promise]] = {
    "measured": ("measured", "receipt", gettext_lazy("measured")),
    "scored": ("measured", "check", gettext_lazy("scored")),
    "claimed": ("claimed", "", gettext_lazy("claimed")),
    "clean": ("ok", "check", gettext_lazy("scan clean")),
    "done": ("ok", "check", gettext_lazy("done")),
    "passed": ("ok", "check", gettext_lazy("passed")),
    "pass": ("ok", "check", gettext_lazy("passed")),
    "warn": ("running", "info", gettext_lazy("warning")),
    "fail": ("failed", "x", gettext_lazy("failed")),
    "queued": ("", "clock", gettext_lazy("waiting")),
    "running": ("running", "dial", gettext_lazy("running")),
    "failed": ("failed", "x", gettext_lazy("failed")),
    "timed_out": ("failed", "clock", gettext_lazy("timed out")),
    "out_of_memory": ("failed", "x", gettext_lazy("out of memory")),
    "not_applicable": ("", "dash", gettext_lazy("not applicable")),
    "cancelled": ("", "dash", gettext_lazy("cancelled")),
    "quarantined": ("quarantined", "stop", gettext_lazy("quarantined")),
    "suspicious": ("running", "info", gettext_lazy("look first")),
    "private": ("", "lock", pgettext_lazy("visibility", "private")),
    "open": ("ok", "", pgettext_lazy("thread", "open")),
    "draft": ("", "dash", pgettext_lazy("thread", "draft")),
    "closed": ("", "x", pgettext_lazy("thread", "closed")),
    "merged": ("latest", "branch", pgettext_lazy("thread", "merged")),
    "gated": ("", "key", gettext_lazy("gated")),
    "pending": ("", "clock", gettext_lazy("waiting")),
    "accepted": ("ok", "check", gettext_lazy("accepted")),
    "rejected": ("failed", "x", gettext_lazy("rejected")),
    "withdrawn": ("", "dash", gettext_lazy("withdrawn")),
    "waiting": ("", "clock", gettext_lazy("waiting")),
    "sending": ("running", "dial", gettext_lazy("being sent")),
    "delivered": ("ok", "check", gettext_lazy("delivered")),
    "dropped": ("", "dash", gettext_lazy("not sent")),
    "latest": ("latest", "", gettext_lazy("latest")),
    "yanked": ("yanked", "", gettext_lazy("yanked")),
}
VERDICTS: dict[str, tuple[str, str, str | Promise]] = {
    "better": ("better", "better", gettext_lazy("better")),
    "same": ("same", "same", gettext_lazy("same")),
    "worse": ("worse", "worse", gettext_lazy("worse")),
    "unclear": ("unclear", "unclear", gettext_lazy("unclear")),
    "not_comparable": ("none", "nocompare", gettext_lazy("not comparable")),
    "first": ("none", "dash", gettext_lazy("first")),
}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """One mark of the sprite, hidden from readers: the words beside it say what it means."""
    sprite = static("img/icons.svg")
    classes = f"i {css}".strip()
    if name == "dial":  # The dial turns in eight detents while something runs.
        return format_html(
            '<svg class="{}" viewBox="0 0 16 16" aria-hidden="true"><g class="spin"><use href="{}#dial"/></g></svg>',
            classes,
            sprite,
        )
    return format_html(
        '<svg class="{}" viewBox="0 0 16 16" aria-hidden="true"><use href="{}#{}"/></svg>', classes, sprite, name
    )


@register.simple_tag(name="print")
def tick_print(name: str, css: str = "") -> SafeString:
    """The tick-print of a namespace: six bars drawn from the hash of its name."""
    bars = format_html_join(
        "",
        '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>',
        ((x, f"{a:g}", f"{b:g}") for x, a, b in numbers.tick_print(name)),
    )
    classes = f"print {css}".strip()
    return format_html('<svg class="{}" viewBox="0 0 32 32" aria-hidden="true">{}</svg>', classes, bars)


@register.simple_tag(name="ruler")
def ruler_tag(
    value: float | None,
    low: float,
    high: float,
    *,
    kind: ruler.Kind = "linear",
    ci_low: float | None = None,
    ci_high: float | None = None,
    baseline: float | None = None,
    baseline_name: str = "",
    chance: float | None = None,
    previous: float | None = None,
    limit: float | None = None,
    name: str = "",
    unit: str = "",
    state: ruler.State = "measured",
    higher_is_better: bool | None = None,
    short: bool = False,
) -> SafeString:
    """Draw a value on its scale. See `hub.core.ruler` for what each mark means; nobody writes a ruler by hand."""
    marks = ruler.Marks(
        value=value,
        ci_low=ci_low,
        ci_high=ci_high,
        baseline=baseline,
        baseline_name=baseline_name,
        chance=chance,
        previous=previous,
        limit=limit,
    )
    return ruler.draw(
        ruler.Scale(low, high, kind),
        marks,
        name=name,
        unit=unit,
        state=state,
        higher_is_better=higher_is_better,
        short=short,
    )


@register.simple_tag
def ruler_axis(
    low: float, high: float, *, kind: ruler.Kind = "linear", higher_is_better: bool | None = None
) -> SafeString:
    """The one axis in the head of a column of rulers."""
    return ruler.draw_axis(ruler.Scale(low, high, kind), higher_is_better=higher_is_better)


@register.simple_tag
def badge(state: str, text: str = "", href: str = "") -> SafeString:
    """State a fact in a rectangle, linked to its reason where there is one. Unknown states show their own name."""
    style, mark, word = BADGES.get(state, ("", "", state.replace("_", " ")))
    css = f"badge badge--{style}" if style else "badge"
    body = format_html("{}{}", icon(mark) if mark else "", text or word)
    if href:
        return format_html('<a class="{}" href="{}">{}</a>', css, href, body)
    return format_html('<span class="{}">{}</span>', css, body)


@register.simple_tag
def verdict(kind: str, delta: float | None = None, decimals: int = 1) -> SafeString:
    """A comparison: shape, word and signed difference. Unclear ones are never coloured (the style sheet sees to it)."""
    style, mark, word = VERDICTS[kind]
    change = ""
    if delta is not None:
        sign = "+" if delta > 0 else ""
        change = format_html(' <span class="delta">{}{}</span>', sign, numbers.number(delta, decimals=decimals))
    return format_html('<span class="verdict verdict--{}">{}{}{}</span>', style, icon(mark), word, change)


@register.filter
def filesize(size_bytes: float | None) -> SafeString:
    """66900000 → "66.9 MB", the unit set small."""
    value, unit = numbers.size_parts(size_bytes)
    return format_html('{}<span class="unit">{}</span>', value, unit)


@register.filter
def plain_size(size_bytes: float | None) -> str:
    """The same as plain text, for titles and sentences."""
    return " ".join(numbers.size_parts(size_bytes)).strip()


@register.filter
def count(value: float | None) -> str:
    """33400000 → "33.4 M"."""
    return " ".join(numbers.count_parts(value)).strip()


@register.filter
def figures(value: float | None, decimals: int | None = None) -> str:
    """A number with thousands separators, three significant figures unless decimals are given."""
    return numbers.number(value, decimals=decimals)


@register.filter
def lasted(seconds: float | None) -> str:
    """A duration: 3.14 → "3.1 s"."""
    return numbers.duration(seconds)


@register.filter
def since(moment: datetime | None) -> SafeString | str:
    """The age of a moment, with the exact time on hover and for machines."""
    if moment is None:
        return "—"
    exact = date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', moment.isoformat(), exact, numbers.since(moment))


@register.filter
def short_hash(value: str | None) -> str:
    """The first seven figures of a hash, enough to tell two apart on a page."""
    return (value or "")[:7]
