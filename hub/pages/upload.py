"""Publishing from the browser. The page works without a script as far as a form can: it makes the repository."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from accounts.models import Namespace, User
from evaluation.models import Step
from evaluation.presentation import STEP_NAMES, STEP_PLANS
from hub.core.exceptions import HubError
from hub.core.forms import PlainForm
from hub.core.htmx import render_page_or_fragment
from hub.core.names import repository_fault
from hub.pages.changes import open_for_change
from hub.pages.licence_picker import LicenceFields, picker_context, subject_of
from hub.pages.repository import origin
from hub.pages.sending import UploadForm, send
from models_registry import addresses
from models_registry.licences import Lineage
from models_registry.models import Kind, Visibility
from models_registry.services.lineage.planned import BadBase, names_in, planned
from models_registry.services.repositories import Said, create_repository


class NewRepositoryForm(LicenceFields, PlainForm):
    """Where, what, for whom, and under which licence. The licence goes into the card; without one it is a draft."""

    owner = forms.ChoiceField(label=_("Owner"))
    name = forms.CharField(
        label=_("Name"),
        max_length=96,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Letters, digits, “-”, “_” and “.”. It ends the address."),
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(Kind.MODEL, _("Model")), (Kind.DATASET, _("Data set")), (Kind.APP, _("App"))],
        widget=forms.RadioSelect,
    )
    visibility = forms.ChoiceField(
        label=_("Who can read it"),
        choices=[(Visibility.PUBLIC, _("everyone")), (Visibility.PRIVATE, _("only its owner"))],
        widget=forms.RadioSelect,
    )

    bases = forms.CharField(
        label=_("Made from"),
        required=False,
        max_length=2000,
        help_text=_(
            "Base models, or data sets, by their names: ada/base, bob/other. Leave it empty if there are none."
        ),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Namespace.objects.writable_by(user).select_related("organisation").order_by("organisation_id", "key")
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = [
            (row.name, row.name if not row.is_organisation else gettext("%(name)s (organisation)") % {"name": row.name})
            for row in sorted(names, key=lambda row: row.is_organisation)
        ]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        fault = repository_fault(name)
        if fault:
            raise forms.ValidationError(_(fault))
        return name

    def clean_bases(self) -> list[str]:
        try:
            return names_in(str(self.cleaned_data["bases"]))
        except BadBase as error:
            raise forms.ValidationError(
                gettext("“%(name)s” is no name such as ada/base, or one too many.") % {"name": error}
            ) from error


@ensure_csrf_cookie
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a repository and fill it. The script sends the files; without it the form makes an empty one."""
    user = acting_user(request)
    initial = {
        "bases": request.GET.get("bases", "")[:2000],
        "owner": request.GET.get("owner") or user.username,
        "kind": request.GET.get("kind") if request.GET.get("kind") in Kind.values else Kind.MODEL,
        "visibility": Visibility.PUBLIC,
        "name": request.GET.get("name", ""),
    }
    form = NewRepositoryForm(request.POST if request.method == "POST" else None, user=user, initial=initial)
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = create_repository(
                user=user,
                namespace=data["owner"],
                name=data["name"],
                kind=Kind(data["kind"]),
                visibility=Visibility(data["visibility"]),
                licence=data["wanted"].text if "wanted" in data else "",
                said=Said(data["license_name"], data["license_link"], tuple(data["bases"])),
            )
            return redirect(addresses.page(made))
        except HubError as error:
            form.add_error("name", str(error))
    kind = str(form["kind"].value() or Kind.MODEL)
    context = {
        "form": form,
        "existing": None,
        **picker_context(request, subject_of(kind), _planned(request, kind, user)),
        **_shared(request, f"{user.username}/my-model"),
    }
    return render_page_or_fragment(
        request,
        "models_registry/upload.html",
        "models_registry/partials/_licence_suggestions.html",
        context,
        status=400 if form.errors else 200,
    )


@ensure_csrf_cookie
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_files(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """Add files to a branch of what exists, or propose them, with the same script; a plain form does it as well."""
    opened, _user, ways = open_for_change(request, kind, namespace, name, revision)
    replaced = (request.POST.get("replace") or request.GET.get("replace") or "")[:1024].strip("/")
    form = UploadForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        opened=opened,
        ways=ways,
        suggested=gettext("Replace %(path)s") % {"path": replaced} if replaced else gettext("Add files"),
        initial={"folder": request.GET.get("folder", "")[:1024]},
    )
    if form.is_valid():
        try:
            return send(request, form, replaced)
        except HubError as error:
            form.add_error("chosen", str(error))
    context = opened.context("files") | {
        "existing": opened.repository,
        "form": None,
        "change": form,
        "replaced": replaced,
        **_shared(request, opened.repository.full_name),
    }
    return render(request, "models_registry/upload.html", context, status=400 if form.errors else 200)


def _planned(request: HttpRequest, kind: str, user: User) -> Lineage | None:
    """What the names in the field lead to. While somebody still types, what can be no name yet says nothing."""
    given = request.POST if request.method == "POST" else request.GET
    try:
        names = names_in(given.get("bases", "")[:2000])
    except BadBase:
        return None
    return planned(Kind(kind), names, user) if kind in Kind.values else None


def _words() -> dict[str, str]:
    """What upload.js says; {braces} are filled in there."""
    return {
        "waiting": gettext("waiting"),
        "checking": gettext("checking"),
        "sent": gettext("{sent} of {size}"),
        "verified": gettext("verified"),
        "known": gettext("linked, already here"),
        "ignored": gettext("left out by .gitignore"),
        "failed": gettext("not sent"),
        "remove": gettext("Remove {name}"),
        "total": gettext("{count} files, {size}"),
        "too_large": gettext("Larger than this hub takes ({size})."),
        "need_name": gettext("Publish opens when there is a name."),
        "need_licence": gettext("Publish opens when a licence is chosen, or put off."),
        "need_licence_name": gettext("Publish opens when your licence has a name."),
        "need_licence_text": gettext("Publish opens when the licence's text is among the files as LICENSE, or linked."),
        "need_files": gettext("Publish opens when there is at least one file."),
        "remove_failed": gettext("Publish opens when the files that cannot be sent are removed."),
        "bad_name": gettext("Use letters, digits, “-”, “_” and “.”. Try {name}."),
        "card_has_licence": gettext("Your README.md declares {licence}; that is what counts."),
        "card_gets_licence": gettext("Your README.md declares no licence; a line is added to it."),
        "lost": gettext("{count} files did not arrive"),
        "lost_help": gettext("The others are kept. Publish again to send only what is missing."),
        "refused": gettext("Not published"),
        "committing": gettext("All files are here; writing the commit."),
        "publishing": gettext("Publishing"),
        "publish": gettext("Publish"),
        "offline": gettext("The hub cannot be reached. Check the connection, then publish again."),
    }


def _shared(request: HttpRequest, name: str) -> dict[str, Any]:
    return {
        "words": _words(),
        "shell_lines": f"export SMALLHUB_ENDPOINT={origin(request)}\nsmallhub push ./folder {name}",
        "steps": [(STEP_NAMES[step], STEP_PLANS[step]) for step in Step],
        "max_file_bytes": settings.SMALLHUB_MAX_FILE_BYTES,
        "section": "models",
    }
