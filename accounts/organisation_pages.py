"""Pages of organisations: whose one is, members and roles, invitations, what it says of itself, its log."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.authentication import acting_user
from accounts.exceptions import LastAdmin, NameTaken
from accounts.forms import MemberForm, OrganisationForm, OrganisationProfileForm
from accounts.models import AuditEvent, Invitation, Organisation, Role, User
from hub.core.pagination import keyset_page

LOG_PER_PAGE = 50


def own_organisation(user: User, name: str) -> Organisation:
    """An organisation that this person administers; for others it is not there."""
    admins = Organisation.objects.filter(memberships__user=user, memberships__role=Role.ADMIN)
    return get_object_or_404(admins.select_related("namespace"), namespace__key=name.lower())


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organisations(request: HttpRequest) -> HttpResponse:
    """Hers, those that ask her to join, and a form to found one."""
    user = acting_user(request)
    form = OrganisationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = services.create_organisation(owner=user, **form.cleaned_data)
        except NameTaken:
            form.add_error("name", _("This name is taken, or was once. Names are never given twice."))
        else:
            return redirect("accounts:settings_members", name=made.name)
    context = {
        "form": form,
        "memberships": user.memberships.select_related("organisation"),
        "invitations": Invitation.objects.to(user),
    }
    return render(request, "accounts/organisations.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Yes or no to an invitation of hers."""
    invitation = get_object_or_404(Invitation.objects.to(acting_user(request)), pk=pk)
    name = invitation.organisation.name
    if request.POST.get("answer") == "accept":
        services.accept_invitation(invitation=invitation)
        messages.info(request, _("You belong to %(name)s now.") % {"name": name})
    else:
        services.decline_invitation(invitation=invitation)
        messages.info(request, _("You did not join %(name)s.") % {"name": name})
    return redirect("accounts:settings_organizations")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest, name: str) -> HttpResponse:
    """Who belongs to an organisation; a POST invites a person or changes a role."""
    user = acting_user(request)
    organisation = own_organisation(user, name)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and form.member is not None:
        try:
            invited = services.invite_member(
                organisation=organisation, user=form.member, role=form.cleaned_data["role"], by=user
            )
        except LastAdmin:
            form.add_error("role", _("An organisation needs at least one admin."))
        else:
            if invited is not None:
                told = _("%(name)s is asked to join, and becomes a member by saying yes.")
                messages.info(request, told % {"name": form.member.username})
            return redirect("accounts:settings_members", name=organisation.name)
    context = {
        "form": form,
        "organisation": organisation,
        "memberships": organisation.memberships.select_related("user"),
        "invitations": organisation.invitations.select_related("user", "invited_by"),
        "roles": Role.values,
        "part": "members",
    }
    return render(request, "accounts/members.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def withdraw(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Ask no longer."""
    user = acting_user(request)
    organisation = own_organisation(user, name)
    services.withdraw_invitation(invitation=get_object_or_404(organisation.invitations, pk=pk), by=user)
    return redirect("accounts:settings_members", name=organisation.name)


@login_required
@require_POST
def member_remove(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Take a person's role away."""
    user = acting_user(request)
    organisation = own_organisation(user, name)
    membership = get_object_or_404(organisation.memberships.select_related("user"), pk=pk)
    try:
        services.remove_member(organisation=organisation, user=membership.user, by=user)
    except LastAdmin:
        messages.error(request, _("An organisation needs at least one admin."))
    if membership.user == user:
        return redirect("accounts:settings_organizations")
    return redirect("accounts:settings_members", name=organisation.name)


@login_required
@require_POST
def leave(request: HttpRequest, name: str) -> HttpResponse:
    """Leave an organisation; who is no member has left already."""
    user = acting_user(request)
    organisation = Organisation.objects.of(user).filter(namespace__key=name.lower()).first()
    if organisation is not None:
        try:
            services.remove_member(organisation=organisation, user=user, by=user)
            messages.info(request, _("You left %(name)s.") % {"name": organisation.name})
        except LastAdmin:
            messages.error(request, _("You are its only admin. Make somebody else an admin first."))
    return redirect("accounts:settings_organizations")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest, name: str) -> HttpResponse:
    """What an organisation says of itself."""
    user = acting_user(request)
    organisation = own_organisation(user, name)
    initial = {
        "full_name": organisation.full_name,
        "description": organisation.description,
        "website": organisation.website,
    }
    form = OrganisationProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        services.update_organisation(organisation=organisation, by=user, **form.cleaned_data)
        messages.info(request, _("The profile is saved."))
        return redirect("accounts:organisation_profile", name=organisation.name)
    context = {"form": form, "organisation": organisation, "part": "profile"}
    return render(request, "accounts/organisation_profile.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def log(request: HttpRequest, name: str) -> HttpResponse:
    """Who changed what, newest first."""
    organisation = own_organisation(acting_user(request), name)
    rows = AuditEvent.objects.of(organisation.namespace)
    page = keyset_page(rows, order=("-id",), limit=LOG_PER_PAGE, cursor=request.GET.get("cursor"))
    context = {"organisation": organisation, "events": page.rows, "next_cursor": page.next_cursor, "part": "log"}
    return render(request, "accounts/organisation_log.html", context)
