"""Lists of the wire: a bare array, the next page in the Link header."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse

from hub.core.bodies import BadBody
from hub.core.pagination import keyset_page
from models_registry.api.lookup import endpoint

Row = TypeVar("Row", bound=Model)
MAX_PAGE = 1000


def page_limit(request: HttpRequest, *, most: int = MAX_PAGE) -> int:
    """How many rows the caller wants, never more than `most`.

    Raises:
        BadBody: not a whole number from 1.
    """
    text = request.GET.get("limit", "")
    if not text:
        return most
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise BadBody(reason="“limit” must be a whole number of at least 1.")
    return min(int(text), most)


def next_url(request: HttpRequest, cursor: str) -> str:
    """The address of the next page: this one with another cursor."""
    pairs = [(key, value) for key, values in request.GET.lists() for value in values if key != "cursor"]
    return f"{endpoint(request)}{request.path}?{urlencode([*pairs, ('cursor', cursor)])}"


def paged(
    request: HttpRequest,
    rows: QuerySet[Row],
    present: Callable[[Sequence[Row]], list[Any]],
    *,
    order: tuple[str, ...] = ("-id",),
    most: int = MAX_PAGE,
) -> JsonResponse:
    """One page of `rows` as JSON.

    Args:
        present: makes the items of a page from its rows, all at once so that it can ask for more in few queries.
    """
    limit = page_limit(request, most=most)
    page = keyset_page(rows, order=order, limit=limit, cursor=request.GET.get("cursor"))
    response = JsonResponse(present(page.rows), safe=False)
    if page.next_cursor:
        response["Link"] = f'<{next_url(request, page.next_cursor)}>; rel="next"'
    return response
