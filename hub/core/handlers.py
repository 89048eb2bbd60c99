"""Answers when no view was reached: unknown addresses, failed CSRF checks, and what nobody foresaw."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hub.core.requests import request_id
from hub.core.wire import error_response, speaks_wire


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400, "The request is not valid.", "invalid")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, "You may not do this.", "forbidden")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent without its secret: an old tab, cookies switched off, or another site's doing."""
    return _answer(request, 403, "This form has expired. Reload the page and send it again.", "csrf_failed")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, "There is nothing here.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500, "Something failed on our side. It was noted.", "server_error")


def _answer(request: HttpRequest, status: int, message: str, code: str) -> HttpResponse:
    if speaks_wire(request):
        return error_response(status, message, code=code)
    context: dict[str, Any] = {
        "status": status,
        "message": message,
        "code": code,
        "reference": request_id(request),
    }
    return render(request, f"{status}.html", context, status=status)
