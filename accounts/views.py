"""Pages about people: signing in and up, settings, tokens, organisations."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.authentication import acting_user
from accounts.exceptions import NameTaken, SignUpClosed
from accounts.forms import (
    PasswordForm,
    ProfileForm,
    SignInForm,
    SignUpForm,
)
from accounts.models import User

BACKEND = "accounts.backends.CaseInsensitiveBackend"


def caller_address(request: HttpRequest) -> str:
    """The caller's address. Behind a trusted front server, the last one that it added."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SMALLHUB_BEHIND_PROXY else ""
    return forwarded.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR", "")


def _next_page(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe and wanted.startswith("/") else reverse(settings.LOGIN_REDIRECT_URL)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and request.method == "GET":
        return redirect(_next_page(request))
    form = SignInForm(request.POST if request.method == "POST" else None, address=caller_address(request))
    if form.is_valid() and form.user is not None:
        login(request, form.user, backend=BACKEND)
        return redirect(_next_page(request))
    context = {"form": form, "next": _next_page(request), "may_sign_up": settings.SMALLHUB_SIGN_UP}
    return render(request, "accounts/sign_in.html", context, status=400 if form.is_bound else 200)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    if not settings.SMALLHUB_SIGN_UP:
        raise SignUpClosed
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        try:
            user = services.create_user(username=data["username"], password=data["password"], email=data["email"])
        except NameTaken:
            form.add_error("username", _("This name is taken, or was once. Names are never given twice."))
        else:
            login(request, user, backend=BACKEND)
            return redirect(_next_page(request))
    context = {"form": form, "next": _next_page(request)}
    return render(request, "accounts/sign_up.html", context, status=400 if form.is_bound else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = acting_user(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=_said(user))
    if form.is_valid():
        services.update_profile(user=user, **form.cleaned_data)
        messages.info(request, _("Your profile is saved."))
        return redirect("accounts:settings_profile")
    context = {"form": form, "password_form": PasswordForm(user=user)}
    return render(request, "accounts/profile.html", context, status=400 if form.errors else 200)


def _said(user: User) -> dict[str, str]:
    """What she has said of herself so far."""
    return {"full_name": user.full_name, "email": user.email, "bio": user.bio, "website": user.website}


@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign every other browser out."""
    user = services.end_sessions(user=acting_user(request))
    update_session_auth_hash(request, user)
    messages.info(request, _("Every other browser is signed out."))
    return redirect("accounts:settings_profile")


@sensitive_post_parameters()
@login_required
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    user = acting_user(request)
    form = PasswordForm(request.POST, user=user)
    if form.is_valid():
        services.set_password(user=user, password=form.cleaned_data["new"])
        update_session_auth_hash(request, user)
        messages.info(request, _("Your password is changed."))
        return redirect("accounts:settings_profile")
    profile_form = ProfileForm(initial=_said(user))
    context = {"form": profile_form, "password_form": form}
    return render(request, "accounts/profile.html", context, status=400)


@require_safe
@login_required
def settings_start(request: HttpRequest) -> HttpResponse:
    return redirect("accounts:settings_profile")
