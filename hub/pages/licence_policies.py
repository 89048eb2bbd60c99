"""Settings of a namespace: what happens where licences contradict each other."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from accounts.models import Namespace
from accounts.organisation_pages import own_organisation
from hub.core.forms import PlainForm
from hub.pages.licence_outputs import allowance_context
from models_registry.models import LicenceJudgement, LicencePolicy
from models_registry.services.licensing import policies

CONFLICTS_SHOWN = 50


class PolicyForm(PlainForm):
    """The mode, and whether what cannot be told counts as a conflict."""

    mode = forms.ChoiceField(
        label=_("Where licences contradict each other"),
        choices=[
            (LicencePolicy.Mode.INFORM, _("Say it on the licence page.")),
            (LicencePolicy.Mode.WARN, _("Say it at each release as well. Nothing is held.")),
            (LicencePolicy.Mode.BLOCK, _("Hold the release back: latest does not name it.")),
        ],
        widget=forms.RadioSelect,
    )
    holds_unknown = forms.BooleanField(
        label=_("What cannot be told counts as a contradiction."),
        required=False,
        help_text=_("A base of unknown licence, data whose reach the law leaves open."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """In one's own name."""
    namespace = acting_user(request).namespace
    return _page(request, namespace, "accounts/licence_policy.html", {"is_own": True})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def of_organisation(request: HttpRequest, name: str) -> HttpResponse:
    """In the name of an organisation that one administers."""
    organisation = own_organisation(acting_user(request), name)
    context = {"organisation": organisation, "part": "licences"} | allowance_context(organisation.namespace)
    return _page(request, organisation.namespace, "accounts/organisation_licences.html", context)


def _page(request: HttpRequest, namespace: Namespace, template: str, context: dict[str, Any]) -> HttpResponse:
    policy = policies.policy_of(namespace)
    initial = {"mode": policy.mode, "holds_unknown": policy.holds_unknown}
    form = PolicyForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        policies.set_policy(namespace=namespace, user=acting_user(request), **form.cleaned_data)
        messages.success(request, gettext("The policy is saved. Releases are looked at again."))
        return redirect(request.path)
    rows = LicenceJudgement.objects.filter(repository__namespace=namespace, verdict=LicenceJudgement.Verdict.CONFLICT)
    found = rows.select_related("repository__namespace").order_by("repository__key")
    context |= {"form": form, "policy": policy, "in_conflict": found[:CONFLICTS_SHOWN]}
    return render(request, template, context, status=400 if form.errors else 200)
