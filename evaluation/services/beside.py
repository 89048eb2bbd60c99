"""What is found out beside a score: was the test in the declared training data, and do the answers bear stress?"""

import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation import engine
from evaluation.benchmarks import Dataset
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.models import Run
from evaluation.sandbox import SandboxError, Session
from evaluation.scorers import SCORERS, NotScorable
from evaluation.services import training_data
from evaluation.statistics import contamination
from evaluation.statistics.stress import applies_to, stress
from models_registry.models import Kind, Repository, Visibility
from models_registry.services.heads import card_of

logger = logging.getLogger("evaluation.beside")

MOST_SOURCES = 5
MOST_CHARACTERS = 32_000_000
MOST_SECONDS = 20.0
_NOT_TEXT = frozenset({"id", "label", "gold", "slice"})


def stress_of(declared: Declared, dataset: Dataset, session: Session, result: engine.Result) -> dict[str, Any]:
    """The stress slices of a classifier, asked in the session that scored it. What breaks here breaks no score."""
    if not applies_to(declared):
        return {}
    try:
        return {"stress": stress(declared, dataset, session, result.rows)}
    except (NotScorable, SandboxError) as error:
        logger.warning("stress of %s broke: %s", declared.id, error)
        return {"stress": {"fault": "not_scorable" if isinstance(error, NotScorable) else "model_ended"}}


def contamination_of(run: Run, declared: Declared, dataset: Dataset, result: engine.Result) -> dict[str, Any]:
    """The share of items seen in the data sets that the card names and that live here, and the score on the others.

    Reads public data sets and those of the model's own namespace: what a card says must not tell of what others keep.
    """
    sources = _sources(run)
    if not sources:
        return {}
    asked = {str(row["id"]) for row in result.rows}
    items = {item.id: _texts(item.values) for item in dataset.items if item.id in asked}
    overlap = contamination.Overlap(items)
    readings = [training_data.Reading(source) for source in sources]
    is_whole = _feed(overlap, readings)
    read = [reading.source.full_name for reading in readings if reading.read]
    found: dict[str, Any] = {
        "n": contamination.N,
        "sources": read,
        "unread": [reading.source.full_name for reading in readings if not reading.read],
        "unread_files": _unread_files(readings),
        "is_whole": is_whole,
        "items": len(items),
        "too_short": len(overlap.too_short),
        "seen": len(overlap.seen),
    }
    clean = [place for place, row in enumerate(result.rows) if str(row["id"]) not in overlap.seen]
    if overlap.seen and clean:
        statistic = SCORERS[declared.scorer].statistic(declared, result.rows)
        found["clean_items"] = len(clean)
        found["clean_value"] = float(statistic(np.array([clean]))[0])
    return {"contamination": found}


def _sources(run: Run) -> list[Repository]:
    """The data sets that the card names, as far as they are here and may be read for this."""
    repository = run.evaluation.repository
    named = card_of(repository, run.evaluation.commit).data.get("datasets")
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    keys = [name.lower()[:140] for name in names[:MOST_SOURCES] if isinstance(name, str) and "\x00" not in name]
    rows = Repository.objects.filter(kind=Kind.DATASET, key__in=keys).select_related("namespace").order_by("key")
    return [
        row
        for row in rows
        if row.namespace_id == repository.namespace_id or (row.visibility == Visibility.PUBLIC and not row.is_gated)
    ]


def _feed(overlap: contamination.Overlap, readings: list[training_data.Reading]) -> bool:
    """Read the train splits; whether to the end. What was being read when time was up counts as read in part."""
    until, left = time.monotonic() + MOST_SECONDS, MOST_CHARACTERS
    for reading in readings:
        for values in training_data.rows_of(reading):
            for text in _texts(values):
                overlap.feed(text)
                left -= len(text)
            if left < 0 or time.monotonic() > until:
                reading.read = reading.read or ["…"]
                return False
    return True


def _unread_files(readings: list[training_data.Reading]) -> dict[str, list[str]]:
    """By data set what of it was not read; of one that not everybody sees, only how much."""
    found: dict[str, list[str]] = {}
    for reading in readings:
        if reading.unread:
            is_open = reading.source.visibility == Visibility.PUBLIC
            found[reading.source.full_name] = (
                training_data.named(reading.unread) if is_open else [f"+{len(reading.unread)}"]
            )
    return found


def _texts(values: Mapping[str, Any]) -> list[str]:
    """All texts of a row but its labels, also those of lists."""
    found: list[str] = []
    for role, value in values.items():
        if role in _NOT_TEXT:
            continue
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [each for each in value if isinstance(each, str)]
    return found
