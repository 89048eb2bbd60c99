"""Ending an account or an organisation: asked twice, with the name typed."""

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from accounts.exceptions import StillNeeded, StillOwns
from accounts.models import Organisation, Role
from hub.core.forms import PlainForm
from models_registry.services import holders


class NameAgainForm(PlainForm):
    """The name, typed once more; for an account the password as well."""

    name = forms.CharField(label=gettext_lazy("Its name, once more"), max_length=42)
    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete oneself."""
    user = acting_user(request)
    form = _asked(request, user.username)
    if form.is_bound and form.is_valid():
        try:
            holders.delete_account(user=user)
        except (StillOwns, StillNeeded) as error:
            form.add_error(None, str(error))
        else:
            logout(request)
            messages.info(request, _("The account is deleted."))
            return redirect("home")
    context = {"form": form, "name": user.username, "is_organisation": False, "back": "accounts:settings_profile"}
    return render(request, "accounts/delete.html", context, status=400 if form.errors else 200)


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_organisation(request: HttpRequest, name: str) -> HttpResponse:
    """Delete an organisation that one administers."""
    admins = Organisation.objects.filter(memberships__user=acting_user(request), memberships__role=Role.ADMIN)
    organisation = get_object_or_404(admins, namespace__key=name.lower())
    form = _asked(request, organisation.name)
    if form.is_bound and form.is_valid():
        try:
            holders.delete_organisation(organisation=organisation)
        except StillOwns as error:
            form.add_error(None, str(error))
        else:
            messages.info(request, _("The organisation %(name)s is deleted.") % {"name": organisation.name})
            return redirect("accounts:settings_organizations")
    context = {
        "form": form,
        "name": organisation.name,
        "is_organisation": True,
        "back": "accounts:settings_organizations",
    }
    return render(request, "accounts/delete.html", context, status=400 if form.errors else 200)


def _asked(request: HttpRequest, name: str) -> NameAgainForm:
    form = NameAgainForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        if form.cleaned_data["name"] != name:
            form.add_error("name", _("This is not the name."))
        if not acting_user(request).check_password(form.cleaned_data["password"]):
            form.add_error("password", _("This is not your password."))
    return form
