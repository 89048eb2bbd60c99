"""What a repository takes up, by version, and what deleting would free."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.pages.repository import open_repository
from models_registry.services.storage_use import storage_use


@require_safe
def storage(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The account of a repository's bytes."""
    opened = open_repository(request, kind, namespace, name)
    use = storage_use(opened.repository)
    most = max((row.logical_bytes for row in use.names), default=0) or 1
    rows = [
        (row, round(100 * row.logical_bytes / most, 1), round(100 * min(row.new_bytes, most) / most, 1))
        for row in use.names
        if row.kind != "other"
    ]
    context = opened.context("releases") | {"use": use, "rows": rows}
    return render(request, "models_registry/storage.html", context)
