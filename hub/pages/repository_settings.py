"""The settings of a repository: what its administrators settle, one page a subject; and what was deleted lately."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import Namespace, User
from hub.core.exceptions import HubError
from hub.core.forms import PlainForm
from hub.core.names import repository_fault
from hub.pages.repository import Opened, open_repository
from models_registry import addresses, lookalikes
from models_registry.exceptions import NotDeleted
from models_registry.models import FormerName, Kind, Repository, Visibility
from models_registry.permissions import Action, require
from models_registry.services.moves import move_repository
from models_registry.services.names import free_name
from models_registry.services.repositories import delete_repository
from models_registry.services.settings import MAX_DESCRIPTION, Changes, update_settings
from models_registry.services.undelete import days_kept, kept_until, restore_repository
from models_registry.types import BRANCH

ENTRIES_SHOWN = 20
MAX_SHOWN = 100


class GeneralForm(PlainForm):
    """What a repository says of itself and shows first."""

    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=MAX_DESCRIPTION,
        help_text=_("One sentence for lists. Empty: the card's own first sentence."),
    )
    default_branch = forms.ChoiceField(
        label=_("Default branch"), help_text=_("What people see and pull unless they ask for another; it is measured.")
    )
    discussions = forms.BooleanField(label=_("Discussions and pull requests are open"), required=False)

    def __init__(self, *args: Any, repository: Repository, **kwargs: Any) -> None:
        initial = {
            "description": repository.description,
            "default_branch": repository.default_branch,
            "discussions": not repository.discussions_disabled,
        }
        super().__init__(*args, initial=initial, **kwargs)
        names = [name.removeprefix(BRANCH) for name in repository.refs.branches().values_list("name", flat=True)[:500]]
        branch = self.fields["default_branch"]
        assert isinstance(branch, forms.ChoiceField)
        branch.choices = [(name, name) for name in names]


class VisibilityForm(PlainForm):
    visibility = forms.ChoiceField(
        label=_("Who can read it"),
        choices=[(Visibility.PUBLIC, _("everyone")), (Visibility.PRIVATE, _("only its owner"))],
        widget=forms.RadioSelect,
    )


class MoveForm(PlainForm):
    """A new name, a new owner, or both. A name that looks like a known one asks to be confirmed."""

    owner = forms.ChoiceField(label=_("Owner"))
    name = forms.CharField(
        label=_("Name"),
        max_length=96,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )
    confirmed = forms.BooleanField(label=_("Use this name all the same"), required=False)

    def __init__(self, *args: Any, user: User, repository: Repository, **kwargs: Any) -> None:
        here = repository.namespace.name
        super().__init__(*args, initial={"owner": here, "name": repository.name}, **kwargs)
        self.repository, self.like = repository, ""
        names = {row.name for row in Namespace.objects.writable_by(user)} | {here}
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = [(name, name) for name in sorted(names, key=str.lower)]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        fault = repository_fault(name)
        if fault:
            raise forms.ValidationError(_(fault))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("owner") and data.get("name") and not data.get("confirmed"):
            full_name = f"{data['owner']}/{data['name']}"
            self.like = lookalikes.find(Kind(self.repository.kind), full_name)
            if self.like:
                text = gettext("%(name)s is easily taken for %(like)s. Choose another name, or confirm this one.")
                self.add_error("name", text % {"name": full_name, "like": self.like})
        return data


def _opened(request: HttpRequest, kind: str, namespace: str, name: str) -> tuple[Opened, User]:
    """The repository, for who administers it."""
    opened = open_repository(request, kind, namespace, name)
    user = acting_user(request)
    require(user, Action.ADMINISTER, opened.repository)
    return opened, user


def _page(
    request: HttpRequest, opened: Opened, template: str, context: dict[str, Any], *, fault: bool = False
) -> HttpResponse:
    page = template.removesuffix(".html").rpartition("_")[2]
    shared = opened.context("settings") | {"page": page}
    return render(request, template, shared | context, status=400 if fault else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Description, default branch, discussions; below, what was done here."""
    opened, user = _opened(request, kind, namespace, name)
    repository = opened.repository
    form = GeneralForm(request.POST if request.method == "POST" else None, repository=repository)
    if form.is_valid():
        data = form.cleaned_data
        changes = Changes(
            description=data["description"].strip(),
            default_branch=data["default_branch"],
            discussions_disabled=not data["discussions"],
        )
        update_settings(repository=repository, user=user, changes=changes)
        messages.success(request, gettext("Saved."))
        return redirect(addresses.settings_page(repository))
    entries = repository.audit_entries.order_by("-pk")[:ENTRIES_SHOWN]
    return _page(
        request,
        opened,
        "models_registry/settings_general.html",
        {"form": form, "entries": entries},
        fault=bool(form.errors),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def visibility(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Who sees it, and who that would be."""
    opened, user = _opened(request, kind, namespace, name)
    repository = opened.repository
    form = VisibilityForm(
        request.POST if request.method == "POST" else None, initial={"visibility": repository.visibility}
    )
    if form.is_valid():
        changes = Changes(visibility=Visibility(form.cleaned_data["visibility"]))
        update_settings(repository=repository, user=user, changes=changes)
        messages.success(request, gettext("Saved."))
        return redirect(addresses.settings_page(repository, "visibility"))
    holder = repository.namespace
    members = holder.organisation.memberships.count() if holder.organisation else 1
    return _page(
        request,
        opened,
        "models_registry/settings_visibility.html",
        {"form": form, "members": members},
        fault=bool(form.errors),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def names(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Renaming, handing on, and the old names that lead here."""
    opened, user = _opened(request, kind, namespace, name)
    repository = opened.repository
    if request.method == "POST" and request.POST.get("free"):
        return _free(request, repository, user)
    form = MoveForm(request.POST if request.method == "POST" else None, user=user, repository=repository)
    if form.is_valid():
        data = form.cleaned_data
        try:
            moved = move_repository(repository=repository, user=user, namespace=data["owner"], name=data["name"])
            messages.success(request, gettext("It is called %(name)s now.") % {"name": moved.full_name})
            return redirect(addresses.page(moved))
        except HubError as error:
            form.add_error("name", str(error))
    context = {"form": form, "former": repository.former_names.all()[:MAX_SHOWN]}
    return _page(request, opened, "models_registry/settings_names.html", context, fault=bool(form.errors))


def _free(request: HttpRequest, repository: Repository, user: User) -> HttpResponse:
    wanted = request.POST["free"]
    former = repository.former_names.filter(pk=wanted).first() if wanted.isascii() and wanted.isdigit() else None
    if former is not None:
        free_name(repository=repository, user=user, former=former)
        messages.success(request, gettext("%(name)s leads nowhere now.") % {"name": former.full_name})
    return redirect(addresses.settings_page(repository, "names"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def danger(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Deleting, after the name was typed."""
    opened, user = _opened(request, kind, namespace, name)
    repository, fault = opened.repository, ""
    if request.method == "POST":
        if request.POST.get("name", "").strip() == repository.full_name:
            try:
                delete_repository(repository=repository, user=user)
                messages.success(request, gettext("%(name)s is deleted.") % {"name": repository.full_name})
                return redirect("deleted_repositories")
            except HubError as error:
                fault = str(error)
        else:
            fault = gettext("Type %(name)s to delete it.") % {"name": repository.full_name}
    return _page(
        request,
        opened,
        "models_registry/settings_danger.html",
        {"fault": fault, "days": days_kept()},
        fault=bool(fault),
    )


@login_required
@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """What was deleted lately of all that this person administers."""
    return _deleted_page(request, acting_user(request))


@login_required
@require_POST
def restore(request: HttpRequest, repository: int) -> HttpResponse:
    """Bring one back, under another name if its own is used again."""
    user = acting_user(request)
    found = Repository.everything.deleted().administered_by(user).filter(pk=repository).first()
    if found is None:
        raise NotDeleted(name="…")
    try:
        back = restore_repository(repository=found, user=user, name=request.POST.get("name", "").strip()[:100])
    except HubError as error:
        return _deleted_page(request, user, fault=str(error), faulty=found.pk)
    messages.success(request, gettext("%(name)s is back.") % {"name": back.full_name})
    return redirect(addresses.page(back))


def _deleted_page(request: HttpRequest, user: User, *, fault: str = "", faulty: int = 0) -> HttpResponse:
    rows = list(Repository.everything.deleted().administered_by(user)[:MAX_SHOWN])
    taken = _taken(rows)
    context = {
        "rows": [(row, kept_until(row), (row.kind, row.key) in taken or row.pk == faulty) for row in rows],
        "fault": fault,
        "days": days_kept(),
    }
    return render(request, "models_registry/deleted.html", context, status=400 if fault else 200)


def _taken(rows: list[Repository]) -> set[tuple[str, str]]:
    """Which of their names cannot be had again as they are."""
    keys = [row.key for row in rows]
    living = Repository.objects.filter(key__in=keys).values_list("kind", "key")
    leading = FormerName.objects.filter(key__in=keys, repository__deleted_at__isnull=True, repository__isnull=False)
    return {*living, *leading.values_list("kind", "key")}
