"""Pages about the hub itself: whether it works, and its documentation."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from evaluation.models import Evaluation, Run, State
from hub.core import markdown
from hub.core.models import WorkerHeartbeat

WORKER_SILENT = timedelta(minutes=2)
DOCS = Path(settings.BASE_DIR) / "docs"


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What works now, said for people; programs ask /readyz."""
    now = timezone.now()
    workers = list(WorkerHeartbeat.objects.filter(seen_at__gt=now - timedelta(days=1)).order_by("-seen_at")[:20])
    alive = [worker for worker in workers if worker.seen_at > now - WORKER_SILENT]
    open_runs = Run.objects.filter(state__in=[State.QUEUED, State.RUNNING])
    context = {
        "workers": workers,
        "alive": alive,
        "last_seen": workers[0].seen_at if workers else None,
        "running": open_runs.filter(state=State.RUNNING).count(),
        "queued": open_runs.filter(state=State.QUEUED).count(),
        "evaluations": Evaluation.everything.exclude(status=Evaluation.Status.DONE).count(),
    }
    return render(request, "hub/status.html", context)


@require_safe
def docs(request: HttpRequest, page: str = "") -> HttpResponse:
    """The documentation of this version, from the files that came with it."""
    pages = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in _documents()}
    name = page.removesuffix(".md") or next((name for name in ("using", "index") if name in pages), "")
    name = name or next(iter(pages), "")
    path = pages.get(name)
    if path is None:
        raise Http404
    text = path.read_text(encoding="utf-8")
    context = {
        "pages": [(stem, title_of(found)) for stem, found in pages.items() if not stem.startswith("decisions/")],
        "current": name,
        "title": title_of(path),
        "html": markdown.render(text, markdown.Places(folder=path.parent.relative_to(DOCS).as_posix(), page="/docs/")),
        "section": "docs",
    }
    return render(request, "hub/docs.html", context)


def _documents() -> list[Path]:
    """The start page, what is for users, what is for operators and developers, then the decisions."""
    start = [DOCS / "index.md"] if (DOCS / "index.md").is_file() else []
    rest = [path for path in sorted(DOCS.glob("*.md")) if path not in start]
    return [*start, *sorted(DOCS.glob("user/*.md")), *rest, *sorted(DOCS.glob("decisions/*.md"))]


def title_of(path: Path) -> str:
    """The first heading of a document, else its file's name."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return path.stem.replace("-", " ")
