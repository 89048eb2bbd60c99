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
from hub.pages.repository import Opened, find_repository
from models_registry import addresses, licence_choice
from models_registry.cards import CARD
from models_registry.exceptions import InvalidLicence, StaleHead
from models_registry.licence_choice import DATA, MODEL, QUESTIONS, Question, Suggestions
from models_registry.licences import Lineage, LineageCycle, parse, records
from models_registry.models import Kind
from models_registry.services import lineage
from models_registry.services.licensing import declaring
from models_registry.services.licensing.declaring import OTHER
from models_registry.services.licensing.of_files import FileLicences, of_commit

TYPED = "typed"  # The choice that says: what is written in the field beside.


class LicenceForm(ChangeForm):
    """The licence, and whether its text comes along. `licence` is one of the suggestions, or what was typed."""

    licence = forms.CharField(label=_("Licence"), max_length=declaring.MAX_LICENCE, required=False)
    typed = forms.CharField(
        label=_("Another licence"),
        max_length=declaring.MAX_LICENCE,
        required=False,
        help_text=_("An id such as mit, or an expression such as MIT OR Apache-2.0. “other” is a text of your own."),
        widget=forms.TextInput(
            attrs={"list": "known-licences", "autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    license_name = forms.CharField(label=_("Its name, if it is your own"), max_length=100, required=False)
    license_link = forms.CharField(
        label=_("Where its text is"), max_length=500, required=False, help_text=_("A file such as LICENSE, or a link.")
    )
    confirmed = forms.BooleanField(label=_("It is spelt right"), required=False)
    add_text = forms.BooleanField(label=_("Put its text beside the files"), required=False)
    holder = forms.CharField(label=_("Who holds the rights"), max_length=200, required=False)
    year = forms.IntegerField(label=_("Year"), min_value=1900, max_value=9999, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["head"].required = False  # Without it the change is made on what is there now.
        self.meant: dict[str, str] = {}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        picked, typed = str(data.get("licence") or ""), str(data.get("typed") or "").strip()
        wanted = typed if picked == TYPED or not picked else picked
        if not wanted:
            self.add_error("licence", gettext("Choose a licence, or write one."))
            return data
        try:
            found = declaring.checked(wanted)
        except InvalidLicence as error:
            self.add_error("typed", str(error))
            return data
        data["wanted"] = found
        if declaring.spelled(found) == OTHER and not str(data.get("license_name") or "").strip():
            self.add_error("license_name", gettext("A licence of your own needs a name."))
        self.meant = declaring.unknown_ids(found)
        if self.meant and not data.get("confirmed"):
            self.add_error("typed", self._not_known())
        return data

    def _not_known(self) -> str:
        lines = []
        for name, near in self.meant.items():
            text = (
                gettext("Nobody here knows “%(name)s”. Did you mean %(near)s?")
                if near
                else gettext("Nobody here knows “%(name)s”.")
            )
            lines.append(text % {"name": name, "near": near})
        return " ".join([*lines, gettext("Confirm it to declare it all the same: it counts as unknown then.")])


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
        "known": known_licences(),
        "can_add_text": not any(each.source == "text" and not each.is_fault for each in files.findings),
        **picker_context(request, subject_of(opened.repository.kind), graph_of(opened)),
    }
    return render_page_or_fragment(
        request,
        "models_registry/settings_licence.html",
        "models_registry/partials/_licence_suggestions.html",
        context,
        status=400 if form.errors else 200,
    )


def picker_context(request: HttpRequest, subject: str, found: Lineage | None) -> dict[str, Any]:
    """What `_licence_picker.html` shows: the questions with the answers given, and what suits them."""
    given = request.GET if request.method != "POST" else request.POST
    answers = licence_choice.read_answers(given, subject=subject)
    suggestions = licence_choice.suggest(answers, subject=subject, lineage=found)
    return {
        "questions": [(each, answers.get(each.key, "")) for each in questions_for(subject)],
        "is_answered": bool(answers),
        "suggestions": suggestions,
        "cards": [(declaring.spelled(parse(each.record.id)), each) for each in suggestions.fitting],
        "picked": given.get("licence", ""),
        "base_names": _base_names(found, suggestions),
    }


def questions_for(subject: str) -> list[Question]:
    return [each for each in QUESTIONS if subject in each.subjects]


def subject_of(kind: str) -> str:
    return DATA if kind == Kind.DATASET else MODEL


def known_licences() -> list[tuple[str, str]]:
    """Ids as cards spell them, with the names that people read."""
    return [(declaring.spelled(parse(record.id)), record.name) for record in records()]


def graph_of(opened: Opened) -> Lineage | None:
    """What it was made from; None where nothing is known of that, or the graph goes in a circle."""
    try:
        found = lineage.graph(opened.repository, opened.viewer)
    except LineageCycle:
        return None
    return found if found.links else None


def _base_names(found: Lineage | None, suggestions: Suggestions) -> list[tuple[str, str]]:
    """Parts whose terms are in the way of a suggestion: (name, licence)."""
    if found is None:
        return []
    keys = {side.key for each in suggestions.blocked for conflict in each.conflicts for side in conflict.sides}
    return [(part.name, part.licence) for key, part in found.parts.items() if key in keys and key != found.root]


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
