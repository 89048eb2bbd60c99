"""The wire: discussions (E44). None can be opened yet, so every list is empty.

`transformers` asks for the list at each load.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from models_registry.api.lookup import find_repository


@require_safe
def listing(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    find_repository(request, kind, namespace, name)
    return JsonResponse({"discussions": [], "count": 0, "start": 0, "numClosedDiscussions": 0})
