"""The one place where the JSON API of our own turns failures into answers: `{code, message, details}`."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

from hub.core.exceptions import HubError, Moved
from hub.core.wire import status_of


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook. Unforeseen errors return None and become a logged 500."""
    if isinstance(error, Moved):
        return Response(status=error.wire_status, headers=error.wire_headers)
    if isinstance(error, HubError):
        return Response({"code": error.code, "message": str(error), "details": error.details}, status_of(error))
    if isinstance(error, Http404):
        error = drf.NotFound("There is nothing here.")
    elif isinstance(error, PermissionDenied):
        error = drf.PermissionDenied("You may not do this.")
    response = drf_handler(error, context)
    if response is not None and isinstance(error, drf.APIException):
        fields = error.get_full_details() if isinstance(error, drf.ValidationError) else {}
        message = "Some fields are not valid." if fields else str(error.detail)
        code = "invalid" if fields else error.default_code
        response.data = {"code": code, "message": message, "details": fields}
    return response
