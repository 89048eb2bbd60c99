"""Choosing a licence: plain questions, what suits the answers, and a commit or a pull request that declares it."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from hub.core.exceptions import HubError
from hub.core.htmx import render_page_or_fragment
from hub.pages.changes import ChangeForm, carry_out, open_for_change
from hub.pages.licence_picker import LicenceFields, picker_context, subject_of
from hub.pages.repository import Opened, find_repository
from models_registry import addresses
from models_registry.cards import CARD
from models_registry.exceptions import InvalidLicence, StaleHead
from models_registry.licence_files.names import is_licence_file
from models_registry.licences import Lineage, LineageCycle
from models_registry.services import lineage
from models_registry.services.licensing import declaring
from models_registry.services.licensing.declaring import TEXT_PATH
from models_registry.services.licensing.of_files import FileLicences, of_commit


class LicenceForm(LicenceFields, ChangeForm):
    """The licence, and whether its text comes along."""

    add_text = forms.BooleanField(label=_("Put its text beside the files"), required=False)
    holder = forms.CharField(label=_("Who holds the rights"), max_length=200, required=False)
    year = forms.IntegerField(label=_("Year"), min_value=1900, max_value=9999, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["head"].required = False  # Without it the change is made on what is there now.

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "wanted" not in data and not self.errors:
            self.add_error("licence", gettext("Choose a licence, or write one."))
        elif data.get("license_link") == TEXT_PATH and not _has_text(self.opened, data):
            self.add_error("license_link", gettext("No file here holds a licence's text. Add LICENSE, or give a link."))
        return data


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The questions and what suits the answers; posting declares a licence."""
    branch = find_repository(request, kind, namespace, name).default_branch
    opened, _user, ways = open_for_change(request, kind, namespace, name, branch)
    files = of_commit(opened.repository, opened.commit)
    form = LicenceForm(
        request.POST if request.method == "POST" else None,
        opened=opened,
        ways=ways,
        suggested=gettext("Declare the licence"),
        initial=_initial(request, opened, files),
    )
    if form.is_valid():
        try:
            return _declare(request, form)
        except StaleHead:
            form.add_error(None, gettext("Somebody has changed the card meanwhile. Look again, then save once more."))
        except HubError as error:
            form.add_error("typed", str(error))
    context = opened.context("settings") | {
        "page": "licence",
        "form": form,
        "files": files,
        "can_add_text": not any(each.source == "text" and not each.is_fault for each in files.findings),
        **picker_context(
            request, subject_of(opened.repository.kind), graph_of(opened), declared=opened.repository.licence
        ),
    }
    return render_page_or_fragment(
        request,
        "models_registry/settings_licence.html",
        "models_registry/partials/_licence_suggestions.html",
        context,
        status=400 if form.errors else 200,
    )


def graph_of(opened: Opened) -> Lineage | None:
    """What it was made from; None where nothing is known of that, or the graph goes in a circle."""
    try:
        found = lineage.graph(opened.repository, opened.viewer)
    except LineageCycle:
        return None
    return found if found.links else None


def _has_text(opened: Opened, data: dict[str, Any]) -> bool:
    """Whether a text of one's own is among the files. What a card already said is not asked about again."""
    said = opened.repository.card.get("license_link")
    return said == data["license_link"] or any(is_licence_file(path) for path in opened.listing.files)


def _initial(request: HttpRequest, opened: Opened, files: FileLicences) -> dict[str, Any]:
    asked = request.GET.get("licence", "")[: declaring.MAX_LICENCE]
    card = opened.repository.card
    own = {key: card.get(key) for key in ("license_name", "license_link") if isinstance(card.get(key), str)}
    return {
        "typed": asked if asked else opened.repository.licence or files.suggested,
        "holder": opened.repository.namespace.full_name,
        "year": timezone.now().year,
        "add_text": request.GET.get("text") == "1",
        **own,
    }


def _declare(request: HttpRequest, form: LicenceForm) -> HttpResponse:
    """Write the card, and the text if she wants it.

    Raises:
        InvalidLicence, and what committing and proposing raise
    """
    data, opened = form.cleaned_data, form.opened
    found = data["wanted"]
    texts = {}
    if data["add_text"]:
        holder = data["holder"].strip() or opened.repository.namespace.name
        texts = dict(declaring.texts_of(found, holder=holder, year=data["year"] or timezone.now().year))
    changes = declaring.operations(
        opened.repository,
        opened.listing,
        licence=found.text,
        name=data["license_name"],
        link=data["license_link"],
        texts=texts,
    )
    if not changes:
        raise InvalidLicence(licence=found.text[:60], reason=gettext("The card declares it already."))
    after = f"{addresses.page(opened.repository)}/licence"
    return carry_out(request, form, list(changes), touched=[CARD, *texts], after=after)
