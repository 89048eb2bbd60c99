"""Tables of our API as JSON and as CSV, with an ETag, so that whoever asks often is answered with little."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

ROWS = "items"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """The rows of an answer, one a line; what has parts is spread over columns such as `baseline.value`."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> str:
        if not isinstance(data, Mapping) or ROWS not in data:  # A refusal has no rows.
            return json.dumps(data, default=str)
        rows = [_flat(row) for row in data[ROWS]]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
        return out.getvalue()


def answer(request: Request, data: dict[str, Any]) -> HttpResponseBase:
    """The answer, or 304 where the asker has it. Cursors are signed anew each time and do not count."""
    same = {name: value for name, value in data.items() if name != "next_cursor"}
    text = json.dumps(same, sort_keys=True, default=str) + str(getattr(request.accepted_renderer, "format", ""))
    etag = quote_etag(hashlib.sha256(text.encode()).hexdigest()[:32])
    response = Response(data, headers={"ETag": etag})
    return get_conditional_response(request._request, etag=etag, response=response) or response


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _cell(value: Any) -> str:
    """One cell. Texts that a spreadsheet would run as a formula are kept as texts."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = " ".join(str(part) for part in value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return str(value)
