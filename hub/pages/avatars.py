"""The picture of a name: its tick-print as a file, for programs and other sites."""

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from hub.core import numbers

A_DAY_S = 86_400


@require_safe
def avatar(request: HttpRequest, name: str) -> HttpResponse:
    """Drawn from the name alone, so that it tells nothing about who exists."""
    bars = format_html_join(
        "",
        '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>',
        ((x, f"{a:g}", f"{b:g}") for x, a, b in numbers.tick_print(name)),
    )
    picture = format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="128" height="128">'
        '<rect width="32" height="32" rx="2" fill="#ebe5d7"/><g stroke="#1f1d18" stroke-width="2">{}</g></svg>',
        bars,
    )
    response = HttpResponse(picture, content_type="image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = f"public, max-age={A_DAY_S}"
    return response
