"""The best model of the same size on each benchmark: what a score could be at this size. One query."""

from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Q
from django.utils.translation import gettext

from evaluation.models import Score, Standing
from evaluation.presentation import Reading, score_reading, shown_unit
from hub.core.numbers import number
from models_registry.models import Repository
from models_registry.sizes import SIZES, size_class


def best_of_size(scores: Sequence[Score], size_bytes: int) -> dict[int, Standing]:
    """By the benchmark's id: the public model of this size class that stands highest."""
    _, low, end = SIZES[size_class(size_bytes)]
    inside = Q(size_bytes__gte=low) if end is None else Q(size_bytes__gte=low, size_bytes__lt=end)
    wanted = {score.benchmark_id: score.benchmark for score in scores}
    rows = Standing.objects.public().filter(inside).first_of_each(list(wanted.values()), 1)
    return {row.benchmark_id: row for row in rows.select_related("repository__namespace")}


def readings_with_peers(scores: Sequence[Score], repository: Repository, size_bytes: int, url: str) -> list[Reading]:
    """The readings of a model's scores, each with the best of its size named below it, unless that is itself."""
    best = best_of_size(scores, size_bytes) if scores else {}
    return [
        _with_peer(score, score_reading(score, url=url), best.get(score.benchmark_id), repository) for score in scores
    ]


def _with_peer(score: Score, reading: Reading, peer: Standing | None, repository: Repository) -> Reading:
    if peer is None or peer.repository_id == repository.pk:
        return reading
    factor, unit = shown_unit(score.unit, score.benchmark.definition.get("scale") or {})
    value = number(peer.value * factor, decimals=1) if unit == "%" else number(peer.value * factor)
    note = gettext("best of its size %(value)s, %(name)s") % {"value": value, "name": peer.repository.full_name}
    return replace(reading, note=" · ".join(part for part in (str(reading.note), note) if part))
