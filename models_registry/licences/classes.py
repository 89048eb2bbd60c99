"""Coarse words for choosing among licences, from what their clauses say. Not advice. Pure."""

from collections.abc import Collection, Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

PERMISSIVE, COPYLEFT, NON_COMMERCIAL, RESTRICTED = "permissive", "copyleft", "non-commercial", "restricted"
UNKNOWN = "unknown"
CLASSES: dict[str, str | Promise] = {
    PERMISSIVE: gettext_lazy("permissive"),
    COPYLEFT: gettext_lazy("share alike"),
    NON_COMMERCIAL: gettext_lazy("no commercial use"),
    RESTRICTED: gettext_lazy("some uses forbidden"),
    UNKNOWN: gettext_lazy("not known"),
}
# From the freest to the strictest.
ORDER = (PERMISSIVE, COPYLEFT, RESTRICTED, NON_COMMERCIAL, UNKNOWN)
_NOT_FOR_SALE = {"no-commercial-use", "research-only", "outputs-no-commercial"}
_LIMITING = {
    "no-derivatives",
    "no-distribution",
    "no-training-of-others",
    "no-hosting",
    "no-region",
    "no-competing",
    "monthly-users",
    "yearly-revenue",
    "follow-policy",
    "pass-on-restrictions",
    "no-data-redistribution",
}
_SHARING = {"same-licence", "same-licence-files"}


def class_of(terms: Collection[str], *, restricts_uses: bool) -> str:
    """The class of one licence by the terms of its clauses."""
    if _NOT_FOR_SALE & set(terms):
        return NON_COMMERCIAL
    if restricts_uses or _LIMITING & set(terms):
        return RESTRICTED
    return COPYLEFT if _SHARING & set(terms) else PERMISSIVE


def strictest(classes: Iterable[str]) -> str:
    """Where several licences apply at once."""
    return max(classes, key=ORDER.index, default=UNKNOWN)


def freest(classes: Iterable[str]) -> str:
    """Where one of several may be chosen."""
    return min(classes, key=ORDER.index, default=UNKNOWN)
