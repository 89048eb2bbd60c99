"""The items behind a number, one by one: what was asked, what was said, what the other version said, and how sure."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal
from uuid import uuid4

from evaluation.benchmarks import BadData, Dataset, load, parse
from evaluation.benchmarks.definition import BadDefinition
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.exceptions import FilesUnavailable, ItemsNotFound
from evaluation.models import Benchmark, Receipt
from evaluation.scorers import SCORERS, Row
from evaluation.scorers.base import is_right_or_wrong
from evaluation.services import files, items
from models_registry.models import Commit

PER_PAGE = 25
MOST_LABELS = 20
BINS = 10
SHORT = 400
_MOST_DATA_BYTES = 8 * 2**20  # The items of a larger set are not put beside what was said; the set's own page has them.
_KEPT_RECEIPTS = 8
# The true answers, which stand by themselves, and what is no text.
_HIDDEN_ROLES = frozenset("id label gold slice clip solution answers target tags references test".split())

Show = Literal["all", "right", "wrong", "flipped", "better", "worse"]
SHOWS: tuple[Show, ...] = ("all", "right", "wrong", "flipped", "better", "worse")


@dataclass(frozen=True)
class ShownItem:
    """One item. `value` is what it adds to the metric; `is_right` and the `before` parts are None where unknown."""

    id: str
    value: float | None
    is_right: bool | None
    gold: str
    prediction: str
    probability: float | None
    slice: str
    before: str | None = None
    was_right: bool | None = None
    asked: tuple[tuple[str, str], ...] = ()

    @property
    def flipped(self) -> str:
        """`better`, `worse`, or "" for an item that did not flip."""
        if self.was_right is None or self.is_right is None or self.was_right == self.is_right:
            return ""
        return "better" if self.is_right else "worse"


@dataclass(frozen=True)
class Confusion:
    """How often each true label (a row) got each predicted one, with the share of its row."""

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]


@dataclass(frozen=True)
class Bin:
    """Items whose probability lies in one tenth: how many, how sure the model was, how often it was right."""

    low: float
    high: float
    n: int
    sure: float
    right: float


@dataclass(frozen=True)
class Calibration:
    """`error` is the expected calibration error: the mean gap between sure and right, weighted by items."""

    bins: tuple[Bin, ...]
    error: float


@dataclass(frozen=True)
class ItemPage:
    """One page of items, with how many there are of each kind and in each slice."""

    items: list[ShownItem]
    counts: Mapping[str, int]
    slices: Mapping[str, tuple[int, int]]
    total: int
    start: int
    next_start: int | None
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    has_before: bool = False
    is_right_or_wrong: bool = False
    data_left_out: bool = False


@dataclass(frozen=True)
class _Outputs:
    """A receipt's items, read once: receipts never change."""

    items: tuple[ShownItem, ...]
    is_right_or_wrong: bool
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    by_id: Mapping[str, ShownItem] = field(default_factory=dict)


def browse(
    receipt: Receipt,
    benchmark: Benchmark,
    *,
    against: Receipt | None = None,
    show: Show = "all",
    part: str = "",
    gold: str = "",
    said: str = "",
    start: int = 0,
) -> ItemPage:
    """A page of the items of one result.

    Args:
        against: another version's result on the same items; items that flipped are told from it.
        part: only items of this slice. gold, said: only items with this true or predicted label.
        start: how many of the chosen items come before the page.

    Raises:
        ItemsNotFound: the outputs of single items were not kept, or can no longer be read.
    """
    mine = _outputs(receipt.sha256, benchmark.pk, benchmark.commit)
    before = _outputs(against.sha256, benchmark.pk, benchmark.commit).by_id if against is not None else {}
    every = [_beside(item, before.get(item.id)) for item in mine.items] if before else list(mine.items)
    narrowed = [
        item for item in every if part in ("", item.slice) and gold in ("", item.gold) and said in ("", item.prediction)
    ]
    chosen = [item for item in narrowed if _is_shown(item, show)]
    page = chosen[start : start + PER_PAGE]
    asked = _asked(benchmark, {item.id for item in page})
    return ItemPage(
        items=[_with(item, asked) for item in page],
        counts={name: sum(_is_shown(item, name) for item in narrowed) for name in SHOWS},
        slices=_slices(every),
        total=len(chosen),
        start=start,
        next_start=start + PER_PAGE if len(chosen) > start + PER_PAGE else None,
        confusion=mine.confusion,
        calibration=mine.calibration,
        has_before=bool(before),
        is_right_or_wrong=mine.is_right_or_wrong,
        data_left_out=asked is None,
    )


@lru_cache(maxsize=_KEPT_RECEIPTS)
def _outputs(sha256: str, benchmark_id: int, commit: str) -> _Outputs:
    """What a receipt keeps of each item. Receipts and versions never change, so the next page has it at hand."""
    receipt = Receipt.objects.get(sha256=sha256)
    rows = items.rows_of(receipt)
    try:
        declared = parse(Benchmark.objects.get(pk=benchmark_id, commit=commit).definition)
    except BadDefinition as error:  # Registered under older rules: nobody can say what the rows mean.
        raise ItemsNotFound(sha256=sha256) from error
    found = tuple(_shown(declared, row) for row in rows)
    return _Outputs(
        items=found,
        is_right_or_wrong=bool(found) and all(item.is_right is not None for item in found),
        confusion=_confusion(declared, rows),
        calibration=_calibration(found),
        by_id={item.id: item for item in found},
    )


def _shown(declared: Declared, row: Row) -> ShownItem:
    scorer = SCORERS[declared.scorer]
    value = scorer.item_value(declared, row)
    is_right = bool(row["right"]) if "right" in row else bool(value) if is_right_or_wrong(value) else None
    probability = row.get("probability")
    return ShownItem(
        id=str(row["id"]),
        value=value,
        is_right=is_right,
        gold=_gold(row),
        prediction=scorer.prediction(row),
        probability=float(probability) if isinstance(probability, (int, float)) else None,
        slice=str(row.get("slice") or row.get("group") or ""),
    )


def _gold(row: Row) -> str:
    """The true answer as it is shown: places among choices count from 1, as in what the model is said to have taken."""
    gold = row.get("gold")
    if gold is None:
        return ""
    return str(gold + 1) if type(gold) is int and "log_probs" in row else _text(gold)


def _beside(item: ShownItem, before: ShownItem | None) -> ShownItem:
    if before is None:
        return item
    return replace(item, before=before.prediction, was_right=before.is_right)


def _with(item: ShownItem, asked: Mapping[str, tuple[tuple[str, str], ...]] | None) -> ShownItem:
    return replace(item, asked=(asked or {}).get(item.id, ()))


def _is_shown(item: ShownItem, show: Show) -> bool:
    if show == "all":
        return True
    if show in ("right", "wrong"):
        return item.is_right is (show == "right")
    return item.flipped == show if show in ("better", "worse") else bool(item.flipped)


def _slices(every: Sequence[ShownItem]) -> dict[str, tuple[int, int]]:
    """Items and right ones by slice; nothing where there is one part only."""
    sizes = Counter(item.slice for item in every)
    right = Counter(item.slice for item in every if item.is_right)
    return {name: (size, right[name]) for name, size in sorted(sizes.items())} if len(sizes) > 1 else {}


def _confusion(declared: Declared, rows: Sequence[Row]) -> Confusion | None:
    if not 2 <= len(declared.labels) <= MOST_LABELS or not all("gold" in row and "predicted" in row for row in rows):
        return None
    counts = Counter((_text(row["gold"]), _text(row["predicted"])) for row in rows)
    if {label for pair in counts for label in pair} - set(declared.labels):
        return None  # Whole sequences of labels, as of a tagger.
    table = []
    for gold in declared.labels:
        size = sum(counts[gold, said] for said in declared.labels)
        cells = tuple((counts[gold, said], counts[gold, said] / size if size else 0.0) for said in declared.labels)
        table.append((gold, cells))
    return Confusion(declared.labels, tuple(table))


def _calibration(found: Sequence[ShownItem]) -> Calibration | None:
    """Reliability in ten bins of equal width (expected calibration error, Naeini et al. 2015)."""
    known = [(item.probability, item.is_right) for item in found if item.probability is not None]
    if len(known) < BINS or any(right is None or not math.isfinite(sure) for sure, right in known):
        return None
    bins = []
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        part = [(sure, right) for sure, right in known if low <= sure < high or (number == BINS - 1 and sure >= 1.0)]
        if part:
            sure = sum(one for one, _ in part) / len(part)
            right = sum(bool(one) for _, one in part) / len(part)
            bins.append(Bin(low, high, len(part), sure, right))
    error = sum(one.n * abs(one.sure - one.right) for one in bins) / len(known)
    return Calibration(tuple(bins), error)


def _asked(benchmark: Benchmark, wanted: set[str]) -> dict[str, tuple[tuple[str, str], ...]] | None:
    """The questions of these items by role; None where the data are too large to be read for a page, or gone."""
    declared = parse(benchmark.definition)
    if sum(file.size_bytes for file in declared.files) > _MOST_DATA_BYTES or declared.reader == "wav_manifest":
        return None
    try:
        dataset = _dataset(benchmark.pk, benchmark.commit)
    except (BadData, FilesUnavailable, LookupError):
        return None
    return {
        item.id: tuple((role, _text(value)[:SHORT]) for role, value in item.values.items() if role not in _HIDDEN_ROLES)
        for item in dataset.items
        if item.id in wanted
    }


@lru_cache(maxsize=2)
def _dataset(benchmark_id: int, oid: str) -> Dataset:
    """A benchmark's items, from the commit that it pins; a version's data never change."""
    benchmark = Benchmark.objects.get(pk=benchmark_id)
    declared = parse(benchmark.definition)
    commit = Commit.objects.filter(repository=benchmark.repository_id, oid=oid).first()
    if commit is None:
        raise LookupError(oid)
    with files.laid_out(commit=commit, job=f"page-{uuid4().hex}", wanted=declared.needs) as folder:
        return load(declared, folder)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False)
