"""Doors read what was measured through the querysets that take a viewer, so that none shows a private benchmark."""

import re

import pytest

from tests.architecture.tree import files, text

DOORS = ("hub/pages", "evaluation/api")
SINGLE = ("evaluation/badges.py", "evaluation/statuses.py", "evaluation/presentation.py")
# Rows of these lead to a benchmark.
ROWS = "Run|Receipt|Comparison|BenchmarkComparison"
SAFE = "shown_to|visible_to|shown|public"
UNFILTERED = re.compile(rf"\b(?:{ROWS})\.objects\.(?!(?:{SAFE})\()|prefetch_related\([^)]*[\"']runs")
# What names no benchmark: the length of the queue, and ids that only narrow what is filtered already.
ALLOWED = {
    "hub/pages/service.py": "open_runs = Run.objects.filter(state__in=[State.QUEUED, State.RUNNING])",
    "hub/pages/items.py": 'bases = Comparison.objects.filter(evaluation=run.evaluation_id).values("base")',
}


@pytest.mark.parametrize(
    "path", [*files(*DOORS), *(path for path in files("evaluation") if path.as_posix().endswith(SINGLE))], ids=str
)
def test_no_door_reads_runs_past_the_viewer(path):
    name = path.as_posix()
    allowed = next((line for where, line in ALLOWED.items() if name.endswith(where)), None)
    lines = [line.strip() for line in text(path).splitlines()]

    assert [line for line in lines if UNFILTERED.search(line) and line != allowed] == []


def test_the_rule_would_find_what_it_forbids():
    for line in ("Run.objects.filter(pk=1)", 'rows.prefetch_related("runs__score")', "Receipt.objects.count()"):
        assert UNFILTERED.search(line), line
    assert not UNFILTERED.search("Receipt.objects.visible_to(user).filter(pk=1)")
