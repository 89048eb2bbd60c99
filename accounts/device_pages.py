"""The page on which a person lets a program act for her, or does not."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.authentication import acting_user
from accounts.exceptions import TooManyTries, UnknownDeviceCode
from accounts.models import DeviceSignIn, Scope
from accounts.services.device import CODE_LENGTH, normal_code, shown_code
from accounts.views import caller_address
from hub.core.forms import PlainForm

# Programs that we know by their public id, so that the page can call them by a name.
KNOWN_CLIENTS = {"26be6b09-91c5-47da-9861-d2d2bb7a7e36": "hf", "smallhub": "smallhub"}


class CodeForm(PlainForm):
    user_code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        help_text=gettext_lazy("Eight letters, as the program shows them."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def clean_user_code(self) -> str:
        code = normal_code(str(self.cleaned_data["user_code"]))
        if len(code) != CODE_LENGTH:
            raise forms.ValidationError(_("A code has eight letters, such as BCDF-GHJK."))
        return code


class AnswerForm(PlainForm):
    scope = forms.ChoiceField(
        label=gettext_lazy("It may"),
        choices=[
            (Scope.READ, gettext_lazy("read what you may read, private repositories too")),
            (Scope.WRITE, gettext_lazy("read and write: upload, commit, tag, discuss, delete")),
        ],
        widget=forms.RadioSelect,
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def device(request: HttpRequest) -> HttpResponse:
    """Enter the code, see who asks for what, answer. A GET changes nothing, wherever its address came from."""
    user = acting_user(request)
    form = CodeForm(request.POST if request.method == "POST" else (request.GET if "user_code" in request.GET else None))
    if not form.is_bound or not form.is_valid():
        return _code_page(request, form)
    code = form.cleaned_data["user_code"]
    try:
        found = services.find_device(user=user, user_code=code, address=caller_address(request))
        if request.method == "POST" and request.POST.get("answer") in {"approve", "deny"}:
            return _answer(request, found, code)
    except UnknownDeviceCode:
        form.add_error("user_code", _("No program waits under this code. Codes end after 15 minutes and work once."))
        return _code_page(request, form)
    except TooManyTries as error:
        minutes = int(error.details["minutes"])
        text = ngettext(
            "Too many tries. Wait %(minutes)d minute, then try again.",
            "Too many tries. Wait %(minutes)d minutes, then try again.",
            minutes,
        )
        form.add_error("user_code", text % {"minutes": minutes})
        return _code_page(request, form)
    return _ask_page(request, found, code, AnswerForm(initial={"scope": found.scope}))


def _answer(request: HttpRequest, found: DeviceSignIn, code: str) -> HttpResponse:
    approve = request.POST["answer"] == "approve"
    form = AnswerForm(request.POST) if approve else None
    if form is not None and not form.is_valid():
        return _ask_page(request, found, code, form)
    scope = Scope(form.cleaned_data["scope"]) if form is not None else Scope.READ
    services.answer_device(device=found, user=acting_user(request), approve=approve, scope=scope)
    if approve:
        messages.info(request, _("The program is signed in. Its token is in this list; revoke it here at any time."))
        return redirect("settings_tokens")
    messages.info(request, _("The program was refused. It got nothing."))
    return redirect("accounts:device")


def _code_page(request: HttpRequest, form: CodeForm) -> HttpResponse:
    return render(request, "accounts/device.html", {"form": form}, status=400 if form.errors else 200)


def _ask_page(request: HttpRequest, found: DeviceSignIn, code: str, form: AnswerForm) -> HttpResponse:
    context = {
        "form": form,
        "device": found,
        "code": shown_code(code),
        "client": KNOWN_CLIENTS.get(found.client_id, ""),
        "same_address": found.address == caller_address(request),
    }
    return render(request, "accounts/device_confirm.html", context, status=400 if form.errors else 200)
