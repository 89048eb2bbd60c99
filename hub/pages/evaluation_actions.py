"""What can be done with an evaluation on its page."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from accounts.authentication import acting_user
from accounts.models import User
from evaluation.models import Evaluation, Run
from evaluation.services import conversions, exchange, rerun
from evaluation.services.runs import cancel
from hub.core.exceptions import Conflict
from hub.pages.repository import open_repository
from models_registry import addresses
from models_registry.permissions import Action, require


@require_POST
@login_required
def propose(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """Open a pull request with the results, and go there; where nothing is scored, back to the page."""
    opened = open_repository(request, kind, namespace, name, revision)
    user = acting_user(request)
    require(user, Action.DISCUSS, opened.repository)
    found = Evaluation.objects.with_runs(None).filter(commit=opened.commit).first()
    if found is None or not exchange.measured_of(found):
        return HttpResponseRedirect(addresses.at(opened.repository, "evaluations", opened.commit.oid))
    made = exchange.propose(evaluation=found, user=user)
    return HttpResponseRedirect(addresses.thread(opened.repository, made.discussion.number))


@require_POST
@login_required
def act(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """Cancel what is open, or ask for a step again; then the page is shown, with what came of it."""
    opened = open_repository(request, kind, namespace, name, revision)
    user = acting_user(request)
    require(user, Action.WRITE, opened.repository)
    found = Evaluation.everything.select_related("repository", "commit").filter(commit=opened.commit).first()
    if found is not None:
        try:
            messages.success(request, _done(request, found, user))
        except Conflict as error:
            messages.error(request, str(error))
    return HttpResponseRedirect(addresses.at(opened.repository, "evaluations", opened.commit.oid))


def _done(request: HttpRequest, evaluation: Evaluation, user: User) -> str:
    """Do it, and say what was done."""
    wanted = request.POST.get("run", "")
    seen = Run.objects.shown_to(user).filter(evaluation=evaluation)
    run: Run | None = seen.filter(pk=wanted).first() if wanted.isdigit() and len(wanted) < 19 else None
    if request.POST.get("do") == "rerun" and run is not None:
        rerun(run=run, user=user)
        return gettext("It is asked for again.")
    if request.POST.get("do") == "convert":
        conversions.request_conversion(repository=evaluation.repository, commit=evaluation.commit, user=user)
        return gettext("It is being converted. The result comes as a pull request.")
    count = cancel(evaluation=evaluation, user=user, run=run)
    return ngettext("%(n)s step was cancelled.", "%(n)s steps were cancelled.", count) % {"n": count}
