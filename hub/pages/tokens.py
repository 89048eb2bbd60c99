"""The page of access tokens: made, rotated, revoked; the fine-grained ones place by place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.authentication import acting_user
from accounts.exceptions import TokenNameTaken, TokenRenewsItself
from accounts.grants import EVERYWHERE, Grant, Grants, Right, from_json, grant
from accounts.models import AccessToken, Namespace, Scope, User
from hub.core.forms import PlainForm
from models_registry.models import Kind, Repository

RIGHT_NAMES = {
    Right.READ: pgettext_lazy("right", "read"),
    Right.WRITE: _("write"),
    Right.ADMINISTER: _("administer"),
    Right.DISCUSS: _("discuss"),
    Right.WEBHOOKS: _("webhooks"),
    Right.GATED: _("read gated"),
}
EXPIRIES = [("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("", _("never"))]
SINGLE_ROWS = 3
GRACES = {"0": timedelta(0), "1": timedelta(hours=1), "24": timedelta(hours=24), "168": timedelta(days=7)}
PREFIXES = {"datasets": Kind.DATASET, "spaces": Kind.APP, "models": Kind.MODEL}
WIRE_TYPES = {Kind.MODEL: "model", Kind.DATASET: "dataset", Kind.APP: "space"}


@dataclass(frozen=True)
class PlaceRow:
    """One line of the picker: a place and its boxes, in the order of the rights; None where a right makes no sense."""

    label: str
    name_field: Any
    boxes: list[Any | None]


class TokenForm(PlainForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("Where you will use it, such as “laptop”, so that you know it later."),
    )
    scope = forms.ChoiceField(
        label=_("It may"),
        choices=[
            (Scope.READ, _("read what you may read")),
            (Scope.WRITE, _("read and write: upload, commit, tag")),
            (Scope.ADMIN, _("all that you may, settings too")),
            (Scope.FINE, _("only what is ticked below")),
        ],
        initial=Scope.READ,
        widget=forms.RadioSelect,
    )
    expires_days = forms.ChoiceField(label=_("It ends after"), choices=EXPIRIES, required=False, initial="90")

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data.get("expires_days")
        return timezone.now() + timedelta(days=int(days)) if days else None


class FineTokenForm(TokenForm):
    """A token, with boxes for what a fine-grained one may do where."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        # Rights of hers in an organisation count, whatever her role is: a token never gives more than she has.
        member = Namespace.objects.filter(organisation__memberships__user=user).order_by("key")
        self.places = [*Namespace.objects.filter(user=user), *member]
        self._add_boxes("everywhere", EVERYWHERE)
        for place in self.places:
            self._add_boxes(f"place_{place.pk}", Right)
        for number in range(SINGLE_ROWS):
            self.fields[f"single_{number}"] = forms.CharField(max_length=160, required=False)
            self._add_boxes(f"single_{number}_rights", Right)

    def _add_boxes(self, name: str, rights: Iterable[Right]) -> None:
        choices = [(right.value, RIGHT_NAMES[right]) for right in Right if right in set(rights)]
        self.fields[name] = forms.MultipleChoiceField(
            choices=choices, required=False, widget=forms.CheckboxSelectMultiple
        )

    def rows(self) -> list[PlaceRow]:
        """The lines of the picker."""
        found = [PlaceRow(gettext("everywhere that you may go"), None, self._boxes("everywhere"))]
        found += [PlaceRow(f"{place.name}/…", None, self._boxes(f"place_{place.pk}")) for place in self.places]
        return found + [
            PlaceRow("", self[f"single_{number}"], self._boxes(f"single_{number}_rights"))
            for number in range(SINGLE_ROWS)
        ]

    def _boxes(self, name: str) -> list[Any | None]:
        boxes = {str(box.data["value"]): box for box in self[name]}
        return [boxes.get(right.value) for right in Right]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("scope") == Scope.FINE and not self.errors:
            data["grants"] = Grants(tuple(self._grants(data)))
            if not data["grants"].all and not self.errors:
                self.add_error("scope", gettext("Tick at least one box below."))
        return data

    def _grants(self, data: dict[str, Any]) -> list[Grant]:
        found = [grant(data["everywhere"])] if data["everywhere"] else []
        for place in self.places:
            if data[f"place_{place.pk}"]:
                kind = "org" if place.is_organisation else "user"
                rights = data[f"place_{place.pk}"]
                found.append(grant(rights, namespace=place.pk, label=f"{kind}:{place.name}"))
        for number in range(SINGLE_ROWS):
            name, rights = data[f"single_{number}"].strip().strip("/"), data[f"single_{number}_rights"]
            if not name and not rights:
                continue
            repository = self._repository(name)
            if repository is None:
                self.add_error(f"single_{number}", gettext("You see no repository of this name."))
            elif not rights:
                self.add_error(f"single_{number}", gettext("Tick what it may do there."))
            else:
                label = f"{WIRE_TYPES[Kind(repository.kind)]}:{repository.full_name}"
                found.append(grant(rights, repository=repository.public_id, label=label))
        return found

    def _repository(self, name: str) -> Repository | None:
        """`ns/name` is a model, `datasets/ns/name` a data set, `spaces/ns/name` an app."""
        parts = name.split("/")
        kind = PREFIXES.get(parts[0], Kind.MODEL) if len(parts) == 3 else Kind.MODEL
        if len(parts) not in {2, 3} or "\0" in name or (len(parts) == 3 and parts[0] not in PREFIXES):
            return None
        return Repository.objects.visible_to(self._user).named(kind, parts[-2], parts[-1]).first()


@dataclass(frozen=True)
class TokenLine:
    """A token in the list, with what it may do in words."""

    token: AccessToken
    grants: list[tuple[str, str]]
    still_old: bool


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the tokens; a POST makes one, whose value is shown in this answer and never again."""
    user = acting_user(request)
    form = FineTokenForm(request.POST if request.method == "POST" else None, user=user)
    made, value = None, ""
    if form.is_valid():
        data = form.cleaned_data
        try:
            made, value = services.create_token(
                user=user,
                name=data["name"],
                scope=data["scope"],
                expires_at=form.expires_at(),
                grants=data.get("grants"),
            )
            form = FineTokenForm(user=user)
        except TokenNameTaken:
            form.add_error("name", gettext("You already have a token of this name."))
    return _page(request, user, form, made=made, value=value)


def _page(
    request: HttpRequest, user: User, form: FineTokenForm, *, made: AccessToken | None = None, value: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "tokens": lines_of(user),
        "made": made,
        "value": value,
        "right_names": [RIGHT_NAMES[right] for right in Right],
        "graces": [("0", _("at once")), ("1", _("in 1 hour")), ("24", _("in 1 day")), ("168", _("in 7 days"))],
    }
    return render(request, "accounts/tokens.html", context, status=400 if form.errors else 200)


def lines_of(user: User) -> list[TokenLine]:
    """Her tokens, newest first; places by their names of today, in a constant number of queries."""
    rows = list(AccessToken.objects.of(user))
    given = {row.pk: from_json(row.grants).all for row in rows}
    every = [one for grants in given.values() for one in grants]
    spaces = dict(
        Namespace.objects.filter(pk__in=[one.namespace for one in every if one.namespace]).values_list("pk", "name")
    )
    singles = Repository.objects.visible_to(user).filter(public_id__in=[one.repository for one in every])
    names = {row.public_id: row.full_name for row in singles.select_related("namespace")}
    now = timezone.now()
    return [
        TokenLine(
            row,
            [(_place(one, spaces, names), gettext(", ").join(_words(one))) for one in given[row.pk]],
            row.previous_until is not None and row.previous_until > now,
        )
        for row in rows
    ]


def _place(one: Grant, spaces: dict[int, str], names: dict[str, str]) -> str:
    if one.is_everywhere:
        return gettext("everywhere")
    if one.namespace is not None:
        return f"{spaces.get(one.namespace, one.label.partition(':')[2])}/…"
    return names.get(one.repository) or gettext("%(name)s, out of sight") % {"name": one.label.partition(":")[2]}


def _words(one: Grant) -> list[str]:
    return [str(RIGHT_NAMES[right]) for right in Right if right in one.rights]


@never_cache
@login_required
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a token a new value, shown in this answer and never again."""
    user = acting_user(request)
    token = get_object_or_404(AccessToken.objects.of(user), pk=pk)
    grace = GRACES.get(request.POST.get("grace", "0"), timedelta(0))
    try:
        value = services.rotate_token(token=token, grace=grace)
    except TokenRenewsItself as error:
        messages.error(request, str(error))
        return redirect("settings_tokens")
    return _page(request, user, FineTokenForm(user=user), made=token, value=value)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a token worthless at once."""
    token = get_object_or_404(AccessToken.objects.of(acting_user(request)), pk=pk)
    services.revoke_token(token=token)
    messages.info(request, gettext("The token “%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect("settings_tokens")
