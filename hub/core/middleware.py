"""What every answer carries: a request id, the security headers, and errors in the asker's language."""

import logging
import re
import uuid
from collections.abc import Callable

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from hub.core.exceptions import HubError, Moved
from hub.core.handlers import bad_request
from hub.core.requests import request_id, set_request_id
from hub.core.wire import error_response, moved, refusal, speaks_wire, status_of

logger = logging.getLogger("hub.errors")
Handler = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class RequestIdMiddleware:
    """Echoes the caller's trace id as `X-Request-Id`, or makes one; error pages show it as the reference."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-Id") or request.headers.get("X-Amzn-Trace-Id") or ""
        well_formed = re.fullmatch(r"[\w.:;=-]{1,128}", given, re.ASCII)
        set_request_id(request, given if well_formed else str(uuid.uuid4()))
        response = self.get_response(request)
        response["X-Request-Id"] = request_id(request)
        return response


class SecurityHeadersMiddleware:
    """One policy for every page. Raw user content sets a stricter one itself, which is kept."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.setdefault("X-Content-Type-Options", "nosniff")
        if "frame-ancestors *" not in response["Content-Security-Policy"]:
            response.setdefault("X-Frame-Options", "DENY")
        response.setdefault("Referrer-Policy", "same-origin")
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path_info.startswith("/static/"):
            # A shared cache must never give one person's answer to another.
            response.setdefault("Cache-Control", "private, no-cache")
            patch_vary_headers(response, ["Cookie", "Authorization"])
        return response


class ErrorMiddleware:
    """Turns foreseen failures into answers: JSON and headers for programs, a helping page for people."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request)  # No text of ours holds a NUL, and not every database takes one as a question.
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and speaks_wire(request):
            allowed = response["Allow"]
            response = error_response(405, f"This address takes {allowed} only.", code="method_not_allowed")
            response["Allow"] = allowed
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        wire = speaks_wire(request)
        if isinstance(exception, Moved):
            return moved(exception)
        if isinstance(exception, HubError):
            return refusal(exception) if wire else self._page(request, status_of(exception), exception)
        if isinstance(exception, RequestDataTooBig):
            return error_response(413, "The request body is too large.", code="over_limit") if wire else None
        if isinstance(exception, SuspiciousOperation | BadRequest):
            return error_response(400, "The request is not valid.", code="invalid") if wire else None
        if isinstance(exception, Http404) and wire:
            return error_response(404, "There is nothing here.", code="not_found")
        if isinstance(exception, PermissionDenied) and wire:
            return error_response(403, "You may not do this.", code="forbidden")
        if isinstance(exception, OperationalError):
            logger.error("database unavailable, request %s", request_id(request), exc_info=exception)
            response = error_response(503, "The database is busy. Try again in a moment.", code="unavailable")
            response["Retry-After"] = "2"
            return response
        return None

    def _page(self, request: HttpRequest, status: int, error: HubError) -> HttpResponse:
        context = {"message": str(error), "code": error.code, "status": status, "reference": request_id(request)}
        context["details"] = error.details
        known = {400: 400, 401: 403, 403: 403, 404: 404, 413: 413, 429: 429, 500: 500}
        return render(request, f"{known.get(status, 400)}.html", context, status=status)
