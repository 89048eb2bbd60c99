"""The page of workers and queue: who works on what, what waits, and how fast it goes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from evaluation.presentation import STEP_NAMES
from evaluation.services import workload


@require_safe
def workers(request: HttpRequest) -> HttpResponse:
    """For everybody; what is private is counted and not named."""
    now = timezone.now()
    lanes = workload.lanes(at=now)
    context = {
        "workers": workload.workers(request.user, at=now),
        "lanes": [(STEP_NAMES[lane.step], lane) for lane in lanes],
        "waiting": sum(lane.waiting for lane in lanes),
        "running": sum(lane.running for lane in lanes),
        "ended_hour": sum(lane.ended_hour for lane in lanes),
    }
    return render(request, "hub/workers.html", context)
