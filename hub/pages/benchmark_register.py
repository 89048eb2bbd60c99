"""Registering a benchmark on a page: the data sets that somebody may write, and what their `eval.yaml` came to."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from evaluation.benchmarks.eval_yaml import FILE
from evaluation.exceptions import BenchmarkInvalid
from evaluation.models import Benchmark, Declaration
from evaluation.services import declarations
from hub.core.pagination import keyset_page
from hub.pages import facets
from models_registry.finding import repository_at
from models_registry.models import Kind, Repository
from models_registry.permissions import Action, require
from models_registry.services.revisions import find_commit

PER_PAGE = 30
EXAMPLE = """name: Word order
description: Two sentences, of which one is in order.
evaluation_framework: smallhub
tasks:
- id: default
  config: default
  split: test
  smallhub:
    task: text-generation
    language: [en]
    scorer: minimal_pairs
    files: [data/test.jsonl]
    fields: {id: id, good: good, bad: bad}
"""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """What may be registered, and the way to do it; a POST reads a data set's declaration anew."""
    if request.method == "POST":
        return _register(request)
    user = acting_user(request)
    mine = Repository.objects.written_by(user).filter(kind=Kind.DATASET).select_related("namespace")
    page = keyset_page(mine, order=("-updated_at", "-id"), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    noted = {row.repository_id: row for row in Declaration.objects.filter(repository__in=page.rows)}
    registered: dict[int, list[Benchmark]] = {}
    for row in Benchmark.objects.active().filter(repository__in=page.rows).order_by("key"):
        registered.setdefault(row.repository_id, []).append(row)
    context = {
        "section": "leaderboards",
        "rows": [(each, noted.get(each.pk), registered.get(each.pk, [])) for each in page.rows],
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "example": EXAMPLE,
        "file": FILE,
    }
    return render(request, "evaluation/benchmark_register.html", context)


def _register(request: HttpRequest) -> HttpResponse:
    namespace, _, name = request.POST.get("dataset", "").strip().partition("/")
    if not namespace or not name or "\0" in name + namespace:
        messages.error(request, gettext("Name a data set as namespace/name."))
        return redirect("benchmark_register")
    repository = repository_at(request, Kind.DATASET, namespace, name)
    require(request.user, Action.WRITE, repository)
    try:
        rows = declarations.register_declared(repository=repository, commit=find_commit(repository, None))
    except BenchmarkInvalid as error:
        messages.error(request, str(error))
        return redirect("benchmark_register")
    if not rows:
        messages.error(request, gettext("The file has no task with a block “smallhub”."))
        return redirect("benchmark_register")
    messages.success(request, gettext("Registered. Models that fit are being measured."))
    return redirect("benchmark", rows[0].key)
