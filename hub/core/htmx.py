"""One URL answers with a page or with its fragment; this decides which."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page. A restored history entry needs the whole page again."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def render_page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], status: int | None = None
) -> HttpResponse:
    """Render the fragment for htmx and the page for everybody else, from one context."""
    response = render(request, fragment if wants_fragment(request) else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])  # Caches must not mix the page and the fragment.
    return response
