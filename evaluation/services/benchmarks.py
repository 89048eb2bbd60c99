"""Benchmarks: registered from data sets on this hub, pinned by commit, given to the models that are here already."""

import hashlib
import json
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from evaluation.benchmarks import rules
from evaluation.benchmarks.definition import BadDefinition, parse
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.exceptions import BenchmarkInvalid
from evaluation.models import Benchmark, Evaluation
from evaluation.services import evaluations
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository

DEFINITION_FILE = "benchmark.json"


def definition_digest(definition: dict[str, Any]) -> str:
    """SHA-256 of a declaration without its version number: equal digests measure the same thing."""
    kept = {key: value for key, value in definition.items() if key != "version"}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def register_benchmark(
    *,
    repository: Repository,
    commit: Commit,
    definition: dict[str, Any],
    is_restricted: bool = False,
    is_declared: bool = False,
) -> Benchmark:
    """Make a declaration the active version of its benchmark, with the data of this commit.

    Registering what is active already gives the same row. Anything that changes what is measured becomes a new
    version: the declared number, or the next free one if that is taken. Scores of older versions stay as they are.

    Args:
        is_restricted: while its data are private, it is measured and shown only where they may be read.
        is_declared: by the data set's own `eval.yaml`.

    Raises:
        BenchmarkInvalid: the declaration is faulty, or speaks of files that this commit does not have.
    """
    declared = _checked(repository, commit, definition)
    key, digest = declared.id, definition_digest(definition)
    Repository.objects.select_for_update().get(pk=repository.pk)  # One registration at a time.
    active = Benchmark.objects.active().filter(key=key).first()
    if active is not None:
        _check_owner(active, repository)
        if active.definition_sha256 == digest:
            return active
        _deactivate(active)
    newest = Benchmark.objects.filter(key=key).order_by("-version").values_list("version", flat=True).first() or 0
    version = max(declared.version, newest + 1)
    made = Benchmark.objects.create(
        key=key,
        version=version,
        title=declared.title[:120],
        task=declared.task[:64],
        repository=repository,
        commit=commit.oid,
        definition=definition | {"version": version},
        definition_sha256=digest,
        is_restricted=is_restricted,
        is_declared=is_declared,
    )
    if active is not None:
        evaluations.close_superseded(active)
    transaction.on_commit(partial(_tell_of_baselines, made.pk))
    return made


@transaction.atomic
def retire_benchmark(benchmark: Benchmark) -> None:
    """Measure with a benchmark no more. Its scores stay, as those of an older version do."""
    _deactivate(benchmark)
    evaluations.close_superseded(benchmark)


def _tell_of_baselines(benchmark_id: int) -> None:
    from evaluation import tasks

    tasks.dispatch_baselines(benchmark_id)


def _deactivate(benchmark: Benchmark) -> None:
    Benchmark.objects.filter(pk=benchmark.pk).update(is_active=False, spread_after=None)


def measure_heads_with(benchmark: Benchmark, *, limit: int | None = None) -> int:
    """Give the newest commits of models that were here before a benchmark their run of it.

    Goes through the evaluations in order of age and remembers how far it came, so that a round that is cut short is
    continued by the next. Evaluations asked for since the benchmark became active have their run already.

    Args:
        limit: how many evaluations to look at in this call; None goes to the end.

    Returns:
        How many runs were added.
    """
    added = 0
    while True:
        with transaction.atomic():
            row = Benchmark.objects.select_for_update().get(pk=benchmark.pk)
            if row.spread_after is None or not row.is_active:
                return added
            step = min(limit or 200, 200)
            batch = list(Evaluation.objects.after(row.spread_after)[:step])
            for evaluation in batch:
                is_head = evaluation.commit.oid == evaluation.repository.head
                if is_head and may_measure(row, evaluation.repository):
                    added += evaluations.add_benchmark_run(evaluation=evaluation, benchmark=row) is not None
            done = len(batch) < step
            row.spread_after = None if done else batch[-1].pk
            row.save(update_fields=["spread_after"])
        if limit is not None:
            limit -= step
            if limit <= 0:
                return added


def may_measure(benchmark: Benchmark, repository: Repository) -> bool:
    """Whether this model is among those that a benchmark is for, see `Benchmark.is_restricted`."""
    return Benchmark.objects.filter(pk=benchmark.pk).for_models_of(repository.namespace).exists()


def _check_owner(active: Benchmark, repository: Repository) -> None:
    """A name of a benchmark belongs to the data set that used it first: another must not slip its data under it."""
    if active.repository_id != repository.pk:
        # Whose it is, is not said: that data set may be private.
        reason = gettext("The name belongs to another data set.")
        raise BenchmarkInvalid(key=active.key, reason=reason)


def _checked(repository: Repository, commit: Commit, definition: dict[str, Any]) -> Declared:
    """The declaration, once it is known to be sound and to speak of files that the commit has."""
    key = str(definition.get("id", ""))[:80]
    try:
        declared = parse(definition)
        rules.check(declared)
    except BadDefinition as error:
        raise BenchmarkInvalid(key=key, reason=str(error)) from error
    if repository.kind != Kind.DATASET or commit.repository_id != repository.pk:
        raise BenchmarkInvalid(key=key, reason=gettext("Its data must be a commit of a data set on this hub."))
    files = listing_of(commit).files
    for file in declared.files:
        entry = files.get(file.path)
        if entry is None or entry.sha256 != file.sha256:
            reason = gettext("%(path)s is not in this commit with the declared SHA-256.") % {"path": file.path}
            raise BenchmarkInvalid(key=key, reason=reason)
    return declared
