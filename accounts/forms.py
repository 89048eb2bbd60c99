"""What people type about themselves, checked before a service sees it."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import services
from accounts.exceptions import TooManyTries, WrongPassword
from accounts.models import Role, User
from hub.core.forms import PlainForm
from hub.core.names import namespace_fault


class SignInForm(PlainForm):
    """Name and password; `user` is the person once the form is valid."""

    username = forms.CharField(
        label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    user: User | None = None

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("username") and data.get("password"):
            try:
                self.user = services.check_password(
                    username=data["username"], password=data["password"], address=self._address
                )
            except WrongPassword as error:
                left = int(error.details["left"])
                text = ngettext("%(left)d try left.", "%(left)d tries left.", left) % {"left": left}
                self.add_error("password", _("Name and password do not match. {left}").format(left=text))
            except TooManyTries as error:
                minutes = int(error.details["minutes"])
                self.add_error(
                    "password",
                    ngettext(
                        "Too many tries. Wait %(minutes)d minute, then try again.",
                        "Too many tries. Wait %(minutes)d minutes, then try again.",
                        minutes,
                    )
                    % {"minutes": minutes},
                )
        return data


class SignUpForm(PlainForm):
    username = forms.CharField(
        label=_("Name"),
        max_length=42,
        help_text=_("Letters, digits and single hyphens. It starts the address of all that you publish."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("Optional. Shown to nobody."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 8 characters."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        fault = namespace_fault(name)
        if fault:
            raise forms.ValidationError(_(fault))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("password") and data.get("username"):
            try:
                validate_password(data["password"], User(username=data["username"], email=data.get("email", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


class WebsiteField(forms.URLField):
    """An address that a page may link to: http or https, nothing else."""

    default_validators = [URLValidator(schemes=["http", "https"])]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, required=False, assume_scheme="https", **kwargs)


class ProfileForm(PlainForm):
    full_name = forms.CharField(label=_("Full name"), max_length=120, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("Optional. Shown to nobody."))
    bio = forms.CharField(
        label=_("About you"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    website = WebsiteField(label=_("Website"))


class PasswordForm(PlainForm):
    """A new password, given only to who knows the old one."""

    old = forms.CharField(
        label=_("Password now"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 8 characters. Other browsers are signed out."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_old(self) -> str:
        old = str(self.cleaned_data["old"])
        if not self.user.check_password(old):
            raise forms.ValidationError(_("This is not your password."))
        return old

    def clean_new(self) -> str:
        new = str(self.cleaned_data["new"])
        validate_password(new, self.user)
        return new


class OrganisationForm(PlainForm):
    name = forms.CharField(
        label=_("Name"), max_length=42, help_text=_("Letters, digits and single hyphens. It cannot be changed later.")
    )
    full_name = forms.CharField(label=_("Full name"), max_length=120, required=False)
    description = forms.CharField(
        label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        fault = namespace_fault(name)
        if fault:
            raise forms.ValidationError(_(fault))
        return name


class OrganisationProfileForm(PlainForm):
    full_name = forms.CharField(label=_("Full name"), max_length=120, required=False)
    description = forms.CharField(
        label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    website = WebsiteField(label=_("Website"))


class MemberForm(PlainForm):
    """Who gets which role; `member` is the person once the form is valid."""

    username = forms.CharField(label=_("Name"), max_length=42)
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[
            (Role.ADMIN, _("admin")),
            (Role.WRITE, _("write")),
            (Role.CONTRIBUTOR, _("contributor")),
            (Role.READ, _("read")),
        ],
        initial=Role.WRITE,
    )
    member: User | None = None

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        self.member = User.objects.filter(namespace__key=name.lower(), is_active=True).first()
        if self.member is None:
            raise forms.ValidationError(_("Nobody here has this name."))
        return name
