"""The rows of a data set: a page of one split at a time, with a search within."""

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from evaluation.exceptions import NoSuchSplit, TableBusy, TableNotReady, TableUnreadable
from evaluation.services.tables import MAX_QUERY, PAGE_ROWS, Table, TablePage, configurations, open_table, read_table
from hub.core.htmx import render_page_or_fragment
from hub.pages import facets
from hub.pages.repository import Opened, open_repository
from models_registry.formats.columns import Column, Kind
from models_registry.formats.tables import as_text
from models_registry.models import Commit
from models_registry.permissions import Action, require

PREVIEW_ROWS = 5
SHORT = 160
LONG = 6_000
KINDS = {
    Kind.EMPTY: "null",
    Kind.BOOLEAN: "bool",
    Kind.INTEGER: "int",
    Kind.NUMBER: "float",
    Kind.DATE: "date",
    Kind.TEXT: "text",
    Kind.LIST: "list",
    Kind.RECORD: "struct",
    Kind.BYTES: "bytes",
    Kind.LABEL: "class",
    Kind.MIXED: "mixed",
}


@dataclass(frozen=True)
class Cell:
    """One cell for the page: pieces of its text, every second one a search hit; `rest` is what a click unfolds."""

    pieces: list[str]
    rest: str
    is_null: bool
    is_number: bool
    label: str


@require_safe
def rows(request: HttpRequest, kind: str, namespace: str, name: str, revision: str | None = None) -> HttpResponse:
    """One page of rows. With `preview` only the first few, for the card's page."""
    opened = open_repository(request, kind, namespace, name, revision)
    require(request.user, Action.DOWNLOAD, opened.repository)
    is_preview = request.GET.get("preview") == "1"
    context = opened.context("rows") | {"preview": is_preview} | _shown(request, opened, is_preview=is_preview)
    if is_preview:
        return render(request, "models_registry/partials/_table.html", context)
    return render_page_or_fragment(
        request, "models_registry/rows.html", "models_registry/partials/_table.html", context
    )


def _shown(request: HttpRequest, opened: Opened, *, is_preview: bool) -> dict[str, Any]:
    """The table of the page, or why there is none."""
    query = request.GET.get("q", "").strip()[:MAX_QUERY]
    try:
        configs = configurations(opened.repository, opened.commit)
        table = _table(request, opened)
    except TableUnreadable as error:
        return {"fault": str(error), "query": query}
    if table is None:
        return {"configs": configs, "is_empty": True, "query": query}
    context: dict[str, Any] = {"configs": configs, "table": table, "query": query} | _links(request, table, configs)
    try:
        page = read_table(
            table,
            cursor=request.GET.get("cursor", ""),
            limit=PREVIEW_ROWS if is_preview else PAGE_ROWS,
            query=query,
        )
    except (TableNotReady, TableBusy) as error:
        return context | {"waiting": str(error), "retry_url": request.get_full_path()}
    except TableUnreadable as error:
        return context | {"fault": str(error)}
    return context | _page(request, page, query)


def _table(request: HttpRequest, opened: Opened) -> Table | None:
    """The split that the address names. None: nothing is named, and the data set has nothing to show."""
    config, split = request.GET.get("config", ""), request.GET.get("split", "")
    commit: Commit = opened.commit
    try:
        return open_table(repository=opened.repository, commit=commit, config=config, split=split)
    except NoSuchSplit:
        if config or split:
            raise
        return None


def _links(request: HttpRequest, table: Table, configs: Any) -> dict[str, Any]:
    """Where the other configurations and splits are."""
    return {
        "config_links": [
            (config.name, facets.query_string(config=config.name), config.name == table.config.name)
            for config in configs
        ],
        "split_links": [
            (split.name, facets.query_string(config=table.config.name, split=split.name), split == table.split)
            for split in table.config.splits
        ],
        "more_url": facets.query_string(config=table.config.name, split=table.split.name),
    }


def _page(request: HttpRequest, page: TablePage, query: str) -> dict[str, Any]:
    pattern = re.compile(re.escape(query), re.IGNORECASE) if query else None
    return {
        "columns": [(column.name, KINDS[column.kind], column.is_numeric) for column in page.columns],
        "rows": [
            (row.number, [_cell(column, row.values.get(column.name), pattern) for column in page.columns])
            for row in page.rows
        ],
        "page": page,
        "fault_after": page.fault,
        "is_first": not request.GET.get("cursor"),
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "first_url": facets.with_value(request.GET, "q", query),
    }


def _cell(column: Column, value: Any, pattern: re.Pattern[str] | None) -> Cell:
    if column.kind == Kind.BYTES and isinstance(value, dict):
        text = gettext("%(n)s bytes") % {"n": f"{value['bytes']:,}"}
    else:
        text = as_text(value)
    short = text if len(text) <= SHORT else text[: SHORT - 20].rstrip() + "…"
    return Cell(
        pieces=_marked(short, pattern),
        rest=text[:LONG] + ("…" if len(text) > LONG else "") if short != text else "",
        is_null=value is None,
        is_number=column.is_numeric,
        label=column.label_of(value),
    )


def _marked(text: str, pattern: re.Pattern[str] | None) -> list[str]:
    """A text cut so that every second piece is a hit."""
    if pattern is None:
        return [text]
    pieces, at = [], 0
    for match in pattern.finditer(text):
        pieces += [text[at : match.start()], match[0]]
        at = match.end()
    return [*pieces, text[at:]]
