"""What may be done with a repository, and why: its licence, what it was made from, what follows from both."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.pages import lineage
from hub.pages.access import terms_of
from hub.pages.licence_outputs import outputs_of
from hub.pages.licence_words import judged
from hub.pages.repository import open_repository
from models_registry import addresses
from models_registry.licences import parse
from models_registry.licences.panels import panels
from models_registry.services.licensing import declaring
from models_registry.services.licensing.of_files import of_commit


@require_safe
def licence(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The licence of the head, in words, with where it comes from."""
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    if repository.full_name != f"{namespace}/{name}":
        return HttpResponsePermanentRedirect(f"{addresses.page(repository)}/licence")
    drawn = lineage.context(request, repository)
    context = (
        opened.context("licence")
        | {
            "panels": panels(repository.licence),
            "unknown_ids": declaring.unknown_ids(parse(repository.licence)),
            "files": of_commit(repository, opened.commit),
        }
        | judged(drawn["lineage"])
        | terms_of(opened)
        | drawn
    )
    context |= outputs_of(request, repository)
    return render(request, "models_registry/licence.html", context)
