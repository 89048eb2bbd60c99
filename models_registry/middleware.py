"""What this hub does not have and another one has: asked there, at the last moment before the refusal."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from hub.core.exceptions import HubError
from hub.core.wire import refusal
from models_registry.api.lookup import endpoint
from models_registry.exceptions import RepositoryNotFound
from models_registry.services.imports import upstream

Handler = Callable[[HttpRequest], HttpResponseBase]


class UpstreamMiddleware:
    """Passes questions for unknown repositories on to `SMALLHUB_UPSTREAM`, if that is set."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not settings.SMALLHUB_UPSTREAM or not isinstance(exception, RepositoryNotFound):
            return None
        question = upstream.asked(request.method or "", request.path_info)
        if question is None or not upstream.is_unknown_here(question):
            return None
        try:
            answer = upstream.pass_on(
                question,
                method=request.method or "",
                target=request.META.get("RAW_URI") or request.get_full_path(),
                headers=dict(request.headers),
                body=request.body if request.method == "POST" else b"",
                here=endpoint(request),
            )
        except HubError as error:  # The middleware that answers these has had its turn.
            return refusal(error)
        return _response(answer) if answer is not None else None


def _response(answer: upstream.Answer) -> HttpResponseBase:
    if isinstance(answer.body, bytes):
        response: HttpResponseBase = HttpResponse(answer.body, status=answer.status)
    else:
        response = StreamingHttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers.items():
        if value:
            response[name] = value
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Smallhub-Upstream"] = settings.SMALLHUB_UPSTREAM
    return response
