"""What the workers do and what waits for them: reads for the page of workers and queue."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Avg, Count, F, Min, Sum

from evaluation.models import Run, State, Step
from hub.core.models import WorkerHeartbeat
from models_registry.models import Repository

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

SILENT = timedelta(minutes=2)
_WORKERS, _RUNNING = 100, 100


@dataclass(frozen=True)
class Doing:
    """A run at work. `repository` is None where the viewer may not know of it."""

    run: Run
    repository: Repository | None


@dataclass(frozen=True)
class Worker:
    """One worker process, with what its machine does."""

    name: str
    seen_at: datetime
    is_alive: bool
    doing: tuple[Doing, ...]


@dataclass(frozen=True)
class Lane:
    """One kind of step: what waits, since when, what ended lately, and how long it took on average."""

    step: Step
    waiting: int
    oldest: datetime | None
    running: int
    ended_hour: int
    ended_day: int
    mean_s: float | None
    cpu_day_s: float | None


def workers(viewer: "User | AnonymousUser", *, at: datetime) -> list[Worker]:
    """Workers of the last day, those with work first. Runs are matched to them by machine and process."""
    running = (
        Run.objects.running()
        .select_related("evaluation__repository__namespace", "evaluation__commit")
        .defer("log", "result")
    )
    rows = list(running.order_by("started_at")[:_RUNNING])
    shown = set(
        Repository.objects.visible_to(viewer)
        .filter(pk__in={run.evaluation.repository_id for run in rows})
        .values_list("pk", flat=True)
    )
    by_machine: dict[str, list[Doing]] = {}
    for run in rows:
        repository = run.evaluation.repository if run.evaluation.repository_id in shown else None
        by_machine.setdefault(run.worker.partition("/")[0], []).append(Doing(run, repository))
    seen = list(WorkerHeartbeat.objects.filter(seen_at__gt=at - timedelta(days=1)).order_by("worker")[:_WORKERS])
    found = []
    for row in seen:
        is_alive = row.seen_at > at - SILENT
        # Children of one machine's pools cannot be told apart by their heartbeat: the first living one shows them.
        doing = by_machine.pop(row.worker.rpartition(":")[0], []) if is_alive else []
        found.append(Worker(row.worker, row.seen_at, is_alive, tuple(doing)))
    rest = [Worker(name, at, True, tuple(doing)) for name, doing in by_machine.items()]
    return sorted(found + rest, key=lambda worker: (not worker.doing, not worker.is_alive, worker.name))


def lanes(*, at: datetime) -> list[Lane]:
    """The queue by kind of step, in the order of the steps."""
    open_runs = Run.objects.filter(state__in=[State.QUEUED, State.RUNNING]).order_by()
    queued = _by_step(
        open_runs.filter(state=State.QUEUED).values("step").annotate(n=Count("pk"), oldest=Min("queued_at"))
    )
    running = _by_step(open_runs.filter(state=State.RUNNING).values("step").annotate(n=Count("pk")))
    ended = Run.objects.filter(started_at__isnull=False, finished_at__gt=at - timedelta(days=1)).order_by()
    day = _by_step(
        ended.values("step").annotate(n=Count("pk"), mean=Avg(F("finished_at") - F("started_at")), cpu=Sum("cpu_s"))
    )
    hour = _by_step(ended.filter(finished_at__gt=at - timedelta(hours=1)).values("step").annotate(n=Count("pk")))
    return [
        Lane(
            step=step,
            waiting=queued.get(step, {}).get("n", 0),
            oldest=queued.get(step, {}).get("oldest"),
            running=running.get(step, {}).get("n", 0),
            ended_hour=hour.get(step, {}).get("n", 0),
            ended_day=day.get(step, {}).get("n", 0),
            mean_s=day[step]["mean"].total_seconds() if step in day else None,
            cpu_day_s=day.get(step, {}).get("cpu"),
        )
        for step in Step
    ]


def _by_step(rows: Any) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in rows}
