"""What can be done with an evaluation on its page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from accounts.authentication import acting_user
from evaluation.models import Evaluation
from evaluation.services import exchange
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
    found = Evaluation.objects.with_runs().filter(commit=opened.commit).first()
    if found is None or not exchange.measured_of(found):
        return HttpResponseRedirect(addresses.at(opened.repository, "evaluations", opened.commit.oid))
    made = exchange.propose(evaluation=found, user=user)
    return HttpResponseRedirect(addresses.thread(opened.repository, made.discussion.number))
