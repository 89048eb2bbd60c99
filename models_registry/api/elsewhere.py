"""The wire: what this hub does not offer, said plainly, and probes that want any answer (E05, E17, E75 to E80).

All of it is answered with 404 and JSON: clients do not try again, and name the reason in their error.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from hub.core.exceptions import NotFound
from hub.core.wire import refusal
from models_registry.exceptions import RepositoryNotFound


class NotOffered(NotFound):
    code = "not_offered"
    message = "{what} are not offered by this hub."


@require_safe
def agent_harnesses(request: HttpRequest) -> HttpResponse:
    """E05. No programs are told apart here."""
    return JsonResponse({"standardEnvVars": [], "harnesses": {}})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def telemetry(request: HttpRequest, topic: str) -> HttpResponse:
    """E05. Not looked at."""
    return HttpResponse(status=204)


@csrf_exempt
def not_offered(request: HttpRequest, what: str, rest: str = "") -> HttpResponse:
    """Any method, any address below."""
    return refusal(NotOffered(what=what))  # Not raised: some of these addresses would be answered with a page.


@csrf_exempt
def without_namespace(request: HttpRequest, name: str, rest: str = "", rev: str = "") -> HttpResponse:
    """A name of old without a namespace: there are none here, and clients know this refusal."""
    raise RepositoryNotFound(name=name, anonymous=0)
