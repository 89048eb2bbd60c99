"""Doors for machines that watch: health, readiness, metrics."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from evaluation.models import Run
from hub.core import health
from models_registry.models import Content, Repository
from models_registry.services import content
from models_registry.storage.blobs import self_test


def checks() -> dict[str, str]:
    """Every part that must work before people are let in: name to "" or what is wrong."""
    return health.probe(
        {"database": health.database, "broker": health.broker, "blobs": self_test, "worker": health.worker}
    )


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    found = checks()
    wrong = {name: text for name, text in found.items() if text}
    status = 503 if wrong else 200
    return JsonResponse(
        {"ready": not wrong, "checks": {name: text or "ok" for name, text in found.items()}}, status=status
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Counted per scrape: few rows, and equal from every web process."""
    registry = CollectorRegistry()
    runs = Gauge("smallhub_runs", "Evaluation runs by state.", ["state"], registry=registry)
    for state, number in Run.objects.counts_by_state().items():
        runs.labels(state=state).set(number)
    repositories = Gauge("smallhub_repositories", "Repositories by kind.", ["kind"], registry=registry)
    for kind, number in Repository.objects.counts_by_kind().items():
        repositories.labels(kind=kind).set(number)
    Gauge("smallhub_damaged_blobs", "Stored blobs found damaged.", registry=registry).set(content.damaged_blobs())
    Gauge("smallhub_contents", "Large files stored.", registry=registry).set(Content.objects.count())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
