"""How numbers, sizes and ages are written: one place, so that a value reads the same on every page.

The forms follow the International System: decimal prefixes (1 kB = 1,000 bytes), a space before the unit,
and no more figures than carry meaning.
"""

import hashlib
import math
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, ngettext

_UNITS = ("B", "kB", "MB", "GB", "TB")


def number(value: float | None, figures: int = 3, decimals: int | None = None) -> str:
    """Write a number with thousands separators: 8192 → "8,192", 61.84 → "61.8", 0.0519 → "0.0519", 60.0 → "60".

    Args:
        figures: significant figures; whole numbers of more figures are kept whole.
        decimals: a fixed number of decimals instead, zeros kept, as a column of scores needs.
    """
    if value is None:
        return "—"
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "—"
    if decimals is not None:
        return f"{value:,.{decimals}f}".replace("-", "−")
    if value == 0:
        return "0"
    places = max(0, figures - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def size_parts(size_bytes: float | None) -> tuple[str, str]:
    """A size as number and unit: 66_900_000 → ("66.9", "MB"), 700 → ("0.7", "kB"), 0 → ("0", "B")."""
    if size_bytes is None:
        return "—", ""
    value, unit = float(size_bytes), 0
    if value >= 100:  # Below that, whole bytes say more than a fraction of a kilobyte.
        while (value >= 999.5 or unit == 0) and unit < len(_UNITS) - 1:
            value, unit = value / 1000, unit + 1
    return number(round(value, 1) if value < 99.95 else round(value)), _UNITS[unit]


def count_parts(count: float | None) -> tuple[str, str]:
    """A large count as number and SI prefix: 33_400_000 → ("33.4", "M"), 512 → ("512", "")."""
    if count is None:
        return "—", ""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= limit:
            return number(count / (1e3 if unit == "k" else limit)), unit
    return number(count, figures=4), ""


def since(moment: datetime | None, now: datetime | None = None) -> str:
    """The age of a moment in the largest unit that says something: "now", "12 min ago", "yesterday", "3 days ago"."""
    if moment is None:
        return "—"
    seconds = int(((now or timezone.now()) - moment).total_seconds())
    if seconds < 60:
        return gettext("just now")
    if seconds < 3600:
        return gettext("%(count)s min ago") % {"count": seconds // 60}
    if seconds < 86400:
        return gettext("%(count)s h ago") % {"count": seconds // 3600}
    days = seconds // 86400
    if days == 1:
        return gettext("yesterday")
    if days < 31:
        return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}
    if days < 365:
        return ngettext("%(count)s month ago", "%(count)s months ago", days // 30) % {"count": days // 30}
    return ngettext("%(count)s year ago", "%(count)s years ago", days // 365) % {"count": days // 365}


def duration(seconds: float | None) -> str:
    """How long something took: 0.0041 → "4.1 ms", 3.14 → "3.1 s", 612 → "10 min", 4_000 → "1 h 6 min"."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{number(seconds * 1000, figures=2)} ms"
    if seconds < 100:
        return f"{number(seconds, figures=2)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("%(count)s min") % {"count": minutes}
    return gettext("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}


def tick_print(name: str) -> list[tuple[int, float, float]]:
    """Six bars from the SHA-256 of a name, an owner's mark: (x, y1, y2) on a field of 32 by 32."""
    digest = hashlib.sha256(name.lower().encode()).digest()
    bars = []
    for place in range(6):
        half = 2 + digest[2 * place] % 17 / 2
        middle = 16 + (digest[2 * place + 1] % 13 - 6) / 2
        bars.append((6 + 4 * place, max(4.0, middle - half), min(28.0, middle + half)))
    return bars
