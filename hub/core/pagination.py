"""Keyset pagination: a page is found by where the last one ended, never by counting rows.

A cursor is the ordering values of the last row, signed so that nobody can ask for other columns through it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet

from hub.core.exceptions import Invalid

Row = TypeVar("Row", bound=Model)
_SALT = "keyset"


class BadCursor(Invalid):
    code = "bad_cursor"
    message = "This cursor is not one of ours, or belongs to another list."


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page: its rows and the cursor of the next, None at the end."""

    rows: list[Row]
    next_cursor: str | None


def keyset_page(rows: QuerySet[Row], *, order: tuple[str, ...], limit: int, cursor: str | None) -> Page[Row]:
    """Cut the next `limit` rows.

    Args:
        order: field names, `-` for descending; the last must be unique, and none may be null.
        cursor: what the previous page gave, or None for the first page.

    Raises:
        BadCursor: the cursor was not made by us for this order.
    """
    if cursor:
        rows = rows.filter(_after(order, _decode(cursor, order)))
    found = list(rows.order_by(*order)[: limit + 1])
    page, more = found[:limit], len(found) > limit
    return Page(rows=page, next_cursor=_encode(page[-1], order) if more and page else None)


def _encode(row: Model, order: tuple[str, ...]) -> str:
    values = [getattr(row, field.lstrip("-")) for field in order]
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return signing.dumps([list(order), plain], salt=_SALT, compress=False)


def _decode(cursor: str, order: tuple[str, ...]) -> list[Any]:
    try:
        fields, values = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursor from error
    if fields != list(order) or len(values) != len(order):
        raise BadCursor
    return list(values)


def _after(order: tuple[str, ...], values: list[Any]) -> Q:
    """`(a, b) > (x, y)` spelled out, since columns may run in different directions."""
    condition = Q()
    equal = Q()
    for field, value in zip(order, values, strict=True):
        name, operator = (field[1:], "lt") if field.startswith("-") else (field, "gt")
        condition |= equal & Q(**{f"{name}__{operator}": value})
        equal &= Q(**{name: value})
    return condition
