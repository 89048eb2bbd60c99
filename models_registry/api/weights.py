"""The wire: headers of safetensors files without their tensors (E40)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from models_registry.api.lookup import find_revision
from models_registry.permissions import Action, require
from models_registry.services.weight_headers import read_headers


@require_safe
def safetensors_metadata(request: HttpRequest, namespace: str, name: str, path: str) -> HttpResponse:
    """E40. Of the default branch. The map from tensor to shard is left out: the headers say the same."""
    repository, commit = find_revision(request, "models", namespace, name, None)
    require(request.user, Action.DOWNLOAD, repository)
    index, headers = read_headers(repository=repository, commit=commit, path=path)
    response = JsonResponse({"index": {"metadata": index.get("metadata")}, "headers": headers})
    response["X-Repo-Commit"] = commit.oid
    return response
