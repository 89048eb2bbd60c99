"""Comparisons in the shape that pages draw. No queries; rows come in prefetched."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from evaluation.models import BenchmarkComparison, Comparison, Summary
from evaluation.names import metric_name, shown_name
from evaluation.services.comparisons import fault_text
from hub.core.numbers import number

Text = str | Promise

# The mark of `{% verdict %}` for each word of the statistics.
MARKS = {
    BenchmarkComparison.Verdict.IMPROVED: "better",
    BenchmarkComparison.Verdict.REGRESSED: "worse",
    BenchmarkComparison.Verdict.EQUIVALENT: "same",
    BenchmarkComparison.Verdict.INCONCLUSIVE: "unclear",
    BenchmarkComparison.Verdict.NOT_COMPARABLE: "not_comparable",
}
SUMMARIES: dict[str, tuple[str, Text]] = {
    Summary.BETTER: ("better", gettext_lazy("Better")),
    Summary.WORSE: ("worse", gettext_lazy("Worse")),
    Summary.MIXED: ("worse", gettext_lazy("Better and worse")),
    Summary.SAME: ("same", gettext_lazy("The same, within the margin")),
    Summary.INCONCLUSIVE: ("unclear", gettext_lazy("Not told apart")),
    Summary.NOT_COMPARABLE: ("not_comparable", gettext_lazy("Not comparable")),
    Summary.NOTHING: ("first", gettext_lazy("Nothing in common")),
}
_COSTS: dict[str, tuple[Text, Text, float]] = {
    "bytes": (gettext_lazy("Size on disk"), "MB", 1e-6),
    "peak_rss_bytes": (gettext_lazy("Peak memory"), "MB", 1e-6),
    "first_token_s": (gettext_lazy("First token"), "ms", 1e3),
    "first_answer_s": (gettext_lazy("First answer"), "ms", 1e3),
    "tokens_per_s": (gettext_lazy("Speed"), gettext_lazy("tokens/s"), 1.0),
    "answers_per_s": (gettext_lazy("Speed"), gettext_lazy("texts/s"), 1.0),
}
_SAME_SIZE = 0.01
_TURNS: dict[str, Text] = {
    "first_token_s": gettext_lazy("First token"),
    "first_answer_s": gettext_lazy("First answer"),
    "reading_s": gettext_lazy("Reading a text"),
    "batch_s": gettext_lazy("Eight answers"),
}


@dataclass(frozen=True)
class VerdictRow:
    """One benchmark of a comparison. `change` and its ends are new − old as people write the metric; the mark says
    which way is better."""

    key: str
    name: Text
    metric: Text
    mark: str
    old: str
    new: str
    unit: str
    change: str
    low: str
    high: str
    difference_unit: Text
    note: Text
    better: int
    worse: int
    n: int
    p: str
    smallest: str
    blocks: bool
    slices: tuple[tuple[str, int, int, int], ...]

    @property
    def flipped(self) -> int:
        return self.better + self.worse


@dataclass(frozen=True)
class CostRow:
    """What a version costs next to the one before. Size has a mark, and times that were taken by turns; the rest is for
    orientation.
    """

    name: Text
    old: str
    new: str
    unit: Text
    mark: str
    note: Text = ""


@dataclass(frozen=True)
class Shown:
    """A comparison, ready to be drawn."""

    comparison: Comparison
    mark: str
    word: Text
    rows: list[VerdictRow]
    costs: list[CostRow]

    @property
    def is_settled(self) -> bool:
        return self.comparison.is_settled

    @property
    def flipped(self) -> int:
        return sum(row.flipped for row in self.rows)


def shown(comparison: Comparison) -> Shown:
    """A comparison with its prefetched benchmarks."""
    mark, word = SUMMARIES.get(comparison.seen_summary, ("first", ""))
    rows = [verdict_row(row) for row in comparison.benchmarks.all()] if comparison.is_settled else []
    return Shown(comparison, mark, word, rows, cost_rows(comparison.costs))


def verdict_row(row: BenchmarkComparison) -> VerdictRow:
    """One benchmark, its numbers written in the metric's own unit."""
    definition = row.benchmark.definition
    factor, unit, points = _writing(definition)
    sign = 1.0 if definition.get("higher_is_better", True) else -1.0
    change = None if row.difference is None else sign * row.difference * factor
    ends = sorted(sign * end * factor for end in (row.low, row.high) if end is not None)
    return VerdictRow(
        key=row.benchmark.key,
        name=shown_name(row.benchmark.title),
        metric=metric_name(str(definition.get("main_metric", ""))),
        mark=MARKS[BenchmarkComparison.Verdict(row.verdict)],
        old=_written(row.old, factor, unit),
        new=_written(row.new, factor, unit),
        unit=unit,
        change=_signed(change, unit),
        low=_signed(ends[0], unit) if ends else "",
        high=_signed(ends[1], unit) if ends else "",
        difference_unit=points,
        note=_note(row),
        better=row.better,
        worse=row.worse,
        n=row.n,
        p="" if row.p is None else _p(row.p),
        smallest="" if row.smallest is None else _plain(row.smallest * factor, unit),
        blocks=row.blocks,
        slices=tuple((str(name), int(n), int(better), int(worse)) for name, n, better, worse in row.slices),
    )


def cost_rows(costs: dict[str, Any]) -> list[CostRow]:
    """Size, memory and times of both, in the order in which pages show them."""
    rows = []
    timed = {told.get("name") for told in costs.get("alternated") or ()}
    for key, (name, unit, factor) in _COSTS.items():
        old, new = costs.get(key, (None, None))
        if (old is None and new is None) or key in timed:
            continue
        mark = _size_mark(old, new) if key == "bytes" else ""
        before = "—" if old is None else number(old * factor)
        rows.append(CostRow(name, before, "—" if new is None else number(new * factor), unit, mark))
    return rows + [_by_turns(told) for told in costs.get("alternated") or () if told.get("name") in _TURNS]


def _by_turns(told: dict[str, Any]) -> CostRow:
    """Times of both, taken in turns on one machine: the one comparison of speeds that tells."""
    words = {"better": "better", "worse": "worse", "same": "same"}
    note = gettext("by turns, %(pairs)s pairs: %(ratio)s times as long, %(low)s to %(high)s") % {
        "pairs": told["pairs"],
        "ratio": number(told["ratio"]),
        "low": number(told["low"]),
        "high": number(told["high"]),
    }
    old, new = (number(1000 * told[side]) for side in ("old", "new"))
    return CostRow(_TURNS[told["name"]], old, new, "ms", words.get(told["word"], "unclear"), note)


def _size_mark(old: float | None, new: float | None) -> str:
    """Bytes are counted, not measured: one per cent is the margin."""
    if old is None or new is None:
        return ""
    if abs(new - old) <= _SAME_SIZE * old:
        return "same"
    return "better" if new < old else "worse"


def _writing(definition: dict[str, Any]) -> tuple[float, str, Text]:
    """Factor, unit of a value and unit of a difference."""
    scale, unit = definition.get("scale") or {}, str(definition.get("unit", ""))
    if unit in {"fraction", "share", "proportion", "accuracy"} and (scale.get("high") or 1) <= 1:
        return 100.0, "%", gettext("points")
    known = {"bits_per_byte": gettext("bits/byte"), "bits/byte": gettext("bits/byte"), "percent": "%"}
    shown_unit = known.get(unit, unit)
    return 1.0, shown_unit, shown_unit


def _written(value: float | None, factor: float, unit: str) -> str:
    return "—" if value is None else _plain(value * factor, unit)


def _plain(value: float, unit: str) -> str:
    return number(value, decimals=1) if unit == "%" else number(value, figures=4)


def _signed(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = number(abs(value), decimals=1) if unit == "%" else number(abs(value), figures=2)
    return f"{'−' if value < 0 else '+'}{text}"  # A real minus sign.


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, figures=2)


def _note(row: BenchmarkComparison) -> Text:
    if row.verdict == BenchmarkComparison.Verdict.NOT_COMPARABLE:
        return fault_text(row)
    if row.verdict == BenchmarkComparison.Verdict.INCONCLUSIVE:
        return gettext("Too few items to tell.")
    return ""


def newest_first(rows: Iterable[Comparison]) -> list[Shown]:
    """Comparisons in the order of what they are compared with, the newest base first."""
    return [shown(row) for row in sorted(rows, key=lambda row: -row.base.commit_id)]
