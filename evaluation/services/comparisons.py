"""Comparisons: owed from the moment an evaluation ends, answered by a worker, settled once a round."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from evaluation import faults
from evaluation.benchmarks import parse
from evaluation.exceptions import ItemsNotFound
from evaluation.models import Benchmark, BenchmarkComparison, Comparison, Evaluation, GatePolicy, Receipt, Step, Summary
from evaluation.services import gates, items, versions
from evaluation.services.plain import plain_json
from evaluation.statistics import Paired, Verdict, compare, differing_field, holm, margin_of
from evaluation.statistics.verdicts import LEVEL
from hub.core.exceptions import Unavailable
from models_registry.services.events import note_event

logger = logging.getLogger("evaluation.comparisons")

FLIPS_KEPT = 2000
AT_ONCE = 20
PATIENCE = timedelta(seconds=20)
_COSTS = ("bytes", "peak_rss_bytes", "cold_load_s", "first_token_s", "first_answer_s", "tokens_per_s", "answers_per_s")


@dataclass(frozen=True)
class Found:
    """One benchmark that both sides have a receipt of."""

    benchmark: Benchmark
    verdict: Verdict
    paired: Paired | None = None
    field: str = ""
    values: tuple[float | None, float | None] = (None, None)
    gates: bool = True
    p_adjusted: float | None = None


@dataclass(frozen=True)
class Answer:
    """All of a comparison."""

    summary: Summary
    benchmarks: list[Found] = field(default_factory=list)
    costs: dict[str, Any] = field(default_factory=dict)


def owe(evaluation: Evaluation, *, again: bool = True) -> None:
    """Note what an ended evaluation is to be compared with, and ask anew for what it takes part in already.

    Call inside the transaction that ends it: what is owed then stands in rows, whatever becomes of the worker.

    Args:
        again: ask anew for what was answered before; else only what is new is asked for.
    """
    now = timezone.now()
    rows = [Comparison(evaluation=evaluation, base=base, asked_at=now) for base in versions.bases_of(evaluation)]
    Comparison.objects.bulk_create(rows, ignore_conflicts=True)
    mine = Comparison.objects.of(evaluation)
    if again:
        mine.update(round=F("round") + 1, asked_at=now, settled_at=None, fault="")
    tell_after_commit(mine.owed().values_list("pk", flat=True))
    gates.settle_releases(evaluation)


def tell_after_commit(ids: Iterable[int]) -> None:
    """Tell the queue of comparisons once the surrounding transaction stands."""
    for pk in list(ids):
        transaction.on_commit(partial(_tell, pk))


def tell_again(*, at: datetime) -> int:
    """Tell the queue once more of what is owed for a while. Says of how many."""
    late = Comparison.objects.owed().filter(asked_at__lt=at - PATIENCE).order_by("asked_at")
    found = list(late.values_list("pk", flat=True)[:AT_ONCE])
    Comparison.objects.filter(pk__in=found).update(asked_at=at)
    tell_after_commit(found)
    return len(found)


def settle(*, comparison_id: int) -> bool:
    """Answer a comparison; False if nothing is owed. May be called twice, late, or by two workers at once.

    The work is done outside a transaction, for it takes seconds; the answer is kept only if the round is still the
    one that was asked for.
    """
    row = (
        Comparison.objects.owed()
        .filter(pk=comparison_id)
        .select_related("evaluation__repository", "evaluation__commit", "base__commit")
        .first()
    )
    if row is None:
        return False
    fault, answer = "", Answer(Summary.NOT_COMPARABLE)
    try:
        answer = answer_of(row.base, row.evaluation)
    except Unavailable:
        raise  # A store that is away comes back; the sweep asks again.
    except Exception as error:
        # A row that no worker can answer must not be asked for for ever; the page says why there is none.
        logger.exception("comparison %s cannot be answered", comparison_id)
        fault = faults.code_of(error)
    return _keep(row, answer, fault)


@transaction.atomic
def _keep(row: Comparison, answer: Answer, fault: str) -> bool:
    same = Comparison.objects.filter(pk=row.pk, round=row.round, settled_at=None)
    now = timezone.now()
    if not same.update(settled_at=now, summary=answer.summary, fault=fault, costs=plain_json(answer.costs)):
        return False
    BenchmarkComparison.objects.filter(comparison=row).delete()
    BenchmarkComparison.objects.bulk_create(_as_row(row, found) for found in answer.benchmarks)
    gates.settle_releases(row.evaluation)
    _note(row)
    return True


def answer_of(base: Evaluation, evaluation: Evaluation) -> Answer:
    """Compare two evaluations by the protocol, with the repository's own margins. Reads only."""
    policy = gates.policy_of(evaluation.repository)
    old, new = _receipts(base), _receipts(evaluation)
    found = [_compared(old[pk], new[pk], policy) for pk in new if pk in old]
    found += [
        _other_version(receipt, old, policy) for pk, receipt in new.items() if pk not in old and _former(receipt, old)
    ]
    found = _corrected(found)
    costs = _costs(base, evaluation)
    return Answer(Summary.of(row.verdict for row in found), found, costs)


def _receipts(evaluation: Evaluation) -> dict[int, Receipt]:
    """The receipts of the scores that stand, by benchmark, in the order of the benchmarks' names."""
    rows = Receipt.objects.filter(run__evaluation=evaluation, run__score__isnull=False, run__benchmark__isnull=False)
    rows = rows.select_related("run__score", "run__benchmark").order_by("run__benchmark__key", "pk")
    return {row.run.benchmark_id: row for row in rows if row.run is not None and row.run.benchmark_id is not None}


def _former(receipt: Receipt, old: Mapping[int, Receipt]) -> Receipt | None:
    """The other side's receipt of another version of the same benchmark."""
    key = _benchmark(receipt).key
    return next((row for row in old.values() if _benchmark(row).key == key), None)


def _benchmark(receipt: Receipt) -> Benchmark:
    assert receipt.run is not None
    assert receipt.run.benchmark is not None
    return receipt.run.benchmark


def _value(receipt: Receipt) -> float:
    assert receipt.run is not None
    return float(receipt.run.score.value)


def _other_version(receipt: Receipt, old: Mapping[int, Receipt], policy: GatePolicy) -> Found:
    former = _former(receipt, old)
    assert former is not None
    row, values = _benchmark(receipt), (_value(former), _value(receipt))
    return Found(row, Verdict.NOT_COMPARABLE, field="benchmark.version", values=values, gates=_gates(row, policy))


def _compared(old: Receipt, new: Receipt, policy: GatePolicy) -> Found:
    row, values = _benchmark(new), (_value(old), _value(new))
    may_gate = _gates(row, policy)
    differing = differing_field(json.loads(old.body), json.loads(new.body))
    if differing:
        return Found(row, Verdict.NOT_COMPARABLE, field=differing, values=values, gates=may_gate)
    declared = parse(row.definition)
    margin = margin_of(declared, policy.margins.get(row.key))
    try:
        paired = compare(declared, items.rows_of(old), items.rows_of(new), margin=margin)
    except (ItemsNotFound, ValueError):
        return Found(row, Verdict.NOT_COMPARABLE, field="items", values=values, gates=may_gate)
    return Found(row, paired.verdict, paired, values=values, gates=may_gate)


def _gates(benchmark: Benchmark, policy: GatePolicy) -> bool:
    return not policy.required or benchmark.key in policy.required


def _corrected(found: list[Found]) -> list[Found]:
    """Holm's correction over the benchmarks that gate: alone they may block, and only where it still holds."""
    gating = [place for place, row in enumerate(found) if row.gates and row.paired and row.paired.p is not None]
    p_values = [row.paired.p for row in (found[place] for place in gating) if row.paired and row.paired.p is not None]
    corrected = dict(zip(gating, holm(p_values), strict=True))
    rows = []
    for place, row in enumerate(found):
        adjusted = corrected.get(place)
        paired = row.paired
        if paired is not None and paired.blocks and (adjusted is None or adjusted > LEVEL):
            paired = replace(paired, blocks=False)
        rows.append(replace(row, paired=paired, p_adjusted=adjusted))
    return rows


def _costs(base: Evaluation, evaluation: Evaluation) -> dict[str, Any]:
    """Old and new value of each cost that either side has, and under `alternated` the times that were taken by turns:
    they alone tell quicker from slower.
    """
    results = [_cost_result(row) for row in (base, evaluation)]
    old, new = ({name: float(row[name]) for name in _COSTS if is_number(row.get(name))} for row in results)
    found: dict[str, Any] = {name: [old.get(name), new.get(name)] for name in _COSTS if name in old or name in new}
    turns = (results[1].get("alternated") or {}).get(base.commit.oid)
    return found | {"alternated": turns} if turns else found


def _cost_result(evaluation: Evaluation) -> dict[str, Any]:
    run = evaluation.runs.filter(step=Step.COST).first()
    return (run.result or {}) if run is not None else {}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_row(comparison: Comparison, found: Found) -> BenchmarkComparison:
    paired = found.paired
    row = BenchmarkComparison(
        comparison=comparison,
        benchmark=found.benchmark,
        verdict=found.verdict,
        field=found.field,
        old=found.values[0],
        new=found.values[1],
        gates=found.gates,
        p_adjusted=found.p_adjusted,
    )
    if paired is not None:
        for name in "blocks difference low high p margin smallest method n better worse".split():
            setattr(row, name, getattr(paired, name))
        row.log_likelihood = list(paired.log_likelihood) if paired.log_likelihood else None
        row.flips = plain_json([[flip.id, flip.is_better, flip.slice] for flip in paired.flips[:FLIPS_KEPT]])
        row.slices = plain_json([[part.name, part.n, part.better, part.worse] for part in paired.slices[:500]])
    return row


def _note(row: Comparison) -> None:
    """Tell the webhooks of a verdict: each of the benchmarks that its owner may know of."""

    def news(owner: User) -> dict[str, Any]:
        seen = Comparison.objects.shown(owner).get(pk=row.pk)
        told = {
            "commit": row.evaluation.commit.oid,
            "base": row.base.commit.oid,
            "verdict": str(seen.seen_summary),
            "benchmarks": {each.benchmark.key: each.verdict for each in seen.benchmarks.all()},
        }
        return {"comparison": told}

    note_event(repository=row.evaluation.repository, action="update", scope="repo.evaluation", more_for=news)


def _tell(comparison_id: int) -> None:
    from evaluation import tasks

    tasks.dispatch_comparison(comparison_id)


def fault_text(row: BenchmarkComparison) -> str:
    """Why two results cannot be compared, for people."""
    sentences = {
        "benchmark.version": gettext("They were measured with different versions of the benchmark."),
        "benchmark.items_sha256": gettext("They were measured on different items."),
        "method.tier": gettext("One was measured on a part of the set only."),
        "model.dtype": gettext("Their weights are of different types."),
        "items": gettext("The outputs of single items are not kept of both."),
    }
    return sentences.get(row.field, gettext("They differ in %(field)s.") % {"field": row.field})
