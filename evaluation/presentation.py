"""What was measured, in the shape that pages draw: readings, badges, steps. No queries; rows come in prefetched."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from evaluation.models import Evaluation, Run, Score, State, Step
from evaluation.names import metric_name, shown_name
from evaluation.presentation_beside import StressRow, overlap_note, stress_rows
from evaluation.reference import baseline_of
from hub.core.numbers import count_parts, number, size_parts
from hub.core.ruler import Kind
from hub.core.ruler import State as Drawn

Text = str | Promise

# Fixed scales of what every model costs, so that the same place means the same size on every page.
SIZE_MB = (0.01, 10_000.0)
FIRST_TOKEN_MS = (0.01, 1_000.0)
TOKENS_PER_S = (1.0, 1_000_000.0)
MEMORY_MB = (1.0, 10_000.0)

STEP_NAMES: dict[str, Text] = {
    Step.SCAN: gettext_lazy("Scan"),
    Step.INSPECT: gettext_lazy("Inspect"),
    Step.SMOKE: gettext_lazy("Smoke"),
    Step.COST: gettext_lazy("Cost"),
    Step.BENCHMARK: gettext_lazy("Benchmarks"),
}
# What is still to come is said before it happens.
STEP_PLANS: dict[str, Text] = {
    Step.SCAN: gettext_lazy("Looks at the bytes of every file; nothing is loaded."),
    Step.INSPECT: gettext_lazy("Reads format, architecture and parameters from the files."),
    Step.SMOKE: gettext_lazy("Loads the model without a network and asks it fixed questions."),
    Step.COST: gettext_lazy("Times loading and answers, and takes the peak of memory."),
    Step.BENCHMARK: gettext_lazy("Scores what fits its task, with intervals and baselines."),
}


@dataclass(frozen=True)
class Reading:
    """One quantity as the side column shows it; the fields of `components/reading.html`."""

    name: Text
    value: float | None
    text: str = ""
    unit: Text = ""
    metric: Text = ""
    low: float | None = None
    high: float | None = None
    kind: Kind = "linear"
    ci_low: float | None = None
    ci_high: float | None = None
    baseline: float | None = None
    baseline_name: Text = ""
    chance: float | None = None
    previous: float | None = None
    higher_is_better: bool | None = None
    state: Drawn = "measured"
    note: Text = ""
    url: str = ""
    short: bool = True
    reason: Text = ""
    reason_state: str = ""

    @property
    def spoken_name(self) -> str:
        return f"{self.name} {self.metric}".strip()

    @property
    def touches_chance(self) -> bool:
        if self.chance is None or self.ci_low is None or self.ci_high is None:
            return False
        return self.ci_low <= self.chance <= self.ci_high


def score_reading(score: Score, *, url: str = "", short: bool = True) -> Reading:
    """A score on its benchmark's own scale. Shares are shown in percent, everything else as it is stored."""
    scale = score.benchmark.definition.get("scale") or {}
    factor, unit = shown_unit(score.unit, scale)
    is_share = unit == "%" and factor > 1

    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    low, high = times(scale.get("low")), times(scale.get("high"))
    value = score.value * factor
    baseline = (score.baseline_name, score.baseline_value)
    if score.baseline_value is None:  # Those of a benchmark can come later than its first scores.
        baseline = baseline_of(score.benchmark) or baseline
    if baseline[0] == "chance" and score.chance is not None:  # Which has a mark of its own.
        baseline = ("", None)
    reading = Reading(
        name=_named(score),
        metric=metric_name(score.metric),
        value=value,
        text=number(value, decimals=1) if unit == "%" else number(value),
        unit=unit,
        low=low if low is not None else (0.0 if is_share else None),
        high=high if high is not None else (100.0 if is_share else None),
        kind="log" if scale.get("kind") == "log" else "linear",
        ci_low=times(score.low),
        ci_high=times(score.high),
        baseline=times(baseline[1]),
        baseline_name=shown_name(baseline[0].replace("_", " ")),
        chance=times(score.chance),
        higher_is_better=score.higher_is_better,
        url=url,
        short=short,
    )
    # A list that left the side metrics out has no room for the note either.
    metrics = {} if "metrics" in score.get_deferred_fields() else score.metrics
    reading, overlap = _noted(reading), overlap_note(metrics.get("contamination"), factor)
    return replace(reading, note=" · ".join(part for part in (str(reading.note), overlap) if part))


def _named(score: Score) -> str:
    """The benchmark's name, never alone where only a part of it was measured."""
    name = str(shown_name(score.benchmark.title))
    names = {"quick": gettext("quick tier"), "smoke": gettext("smoke tier")}
    return name if score.tier == "standard" else f"{name}, {names.get(score.tier, score.tier)}"


def shown_unit(unit: str, scale: Mapping[str, Any]) -> tuple[float, Text]:
    """What a stored value is multiplied by to be shown, and the unit that it then has. A correlation has none."""
    is_share = unit in {"fraction", "share", "proportion", "accuracy"} and (scale.get("high") or 1) <= 1
    return (100.0, "%") if is_share else (1.0, _unit(unit))


def _noted(reading: Reading) -> Reading:
    """Say under the scale what the marks on it are."""
    if reading.touches_chance:
        return replace(reading, note=gettext("not told apart from chance"))
    parts = []
    if reading.baseline is not None:
        parts.append(f"{reading.baseline_name or gettext('baseline')} {number(reading.baseline)}")
    if reading.chance is not None:
        parts.append(gettext("chance %(value)s") % {"value": number(reading.chance)})
    if reading.higher_is_better is False:
        parts.append(gettext("lower is better"))
    return replace(reading, note=" · ".join(parts))


def _unit(unit: str) -> Text:
    return {"bits_per_byte": gettext("bits/byte"), "bits/byte": gettext("bits/byte"), "percent": "%"}.get(unit, unit)


def cost_readings(cost: dict[str, Any], *, short: bool = True) -> list[Reading]:
    """Size, speed and memory on their fixed scales; what was not measured is left out."""
    readings: list[Reading] = []

    def add(name: Text, value: float | None, text: str, unit: Text, scale: tuple[float, float], higher: bool) -> None:
        if value is not None:
            low, high = scale
            readings.append(
                Reading(name, value, text, unit, low=low, high=high, kind="log", higher_is_better=higher, short=short)
            )

    size, memory = cost.get("bytes"), cost.get("peak_rss_bytes")
    if size is not None:
        add(gettext("Size on disk"), size / 1e6, *size_parts(size), SIZE_MB, False)
    for key, name in (("first_token_s", gettext("First token")), ("first_answer_s", gettext("First answer"))):
        if cost.get(key) is not None:
            add(name, cost[key] * 1e3, number(cost[key] * 1e3), "ms", FIRST_TOKEN_MS, False)
    for key, unit in (("tokens_per_s", gettext("tokens/s")), ("answers_per_s", gettext("texts/s"))):
        if cost.get(key) is not None:
            add(gettext("Speed"), cost[key], number(cost[key]), unit, TOKENS_PER_S, True)
    if memory is not None:
        add(gettext("Peak memory"), memory / 1e6, *size_parts(memory), MEMORY_MB, False)
    return readings


def first_answer_ms(cost: dict[str, Any]) -> float | None:
    """How long the first token, or the first answer of a model without tokens, takes."""
    seconds = cost.get("first_token_s")
    seconds = cost.get("first_answer_s") if seconds is None else seconds
    return None if seconds is None else seconds * 1e3


def family(inspected: dict[str, Any]) -> str:
    """The family of an architecture, short enough for a row: "Transformer", "GRU", "n-gram"."""
    architecture = str(inspected.get("architecture") or "")
    lowered = architecture.lower()
    for word, name in (("ngram", "n-gram"), ("n-gram", "n-gram"), ("gru", "GRU"), ("lstm", "LSTM")):
        if word in lowered:
            return name
    return "Transformer" if inspected.get("runtime") == "transformers" else architecture


@dataclass(frozen=True)
class StepRow:
    """One of the five steps of an evaluation as the run page lists it. `style` is done, now, failed or wait."""

    step: str
    name: Text
    style: str
    icon: str
    seconds: float | None
    text: Text


_STYLES: dict[str, tuple[str, str]] = {
    State.PASSED: ("done", "check"),
    State.RUNNING: ("now", "dial"),
    State.FAILED: ("failed", "x"),
    State.TIMED_OUT: ("failed", "clock"),
    State.OUT_OF_MEMORY: ("failed", "x"),
    State.QUARANTINED: ("failed", "stop"),
    State.NOT_APPLICABLE: ("wait", "dash"),
    State.CANCELLED: ("wait", "dash"),
    State.QUEUED: ("wait", "clock"),
    State.WAITING: ("wait", "dash"),
}


def step_rows(runs: Sequence[Run]) -> list[StepRow]:
    """The five steps in order; all benchmarks are one step."""
    rows = []
    for step in Step:
        mine = [run for run in runs if run.step == step]
        if step is Step.BENCHMARK:
            if mine or len(runs) != 1:  # A commit that is only scanned has no other run.
                rows.append(_benchmarks_row(mine))
        elif mine:
            run = mine[0]
            style, icon = _STYLES[run.state]
            text = run.reason or _found(run) or STEP_PLANS[step]
            rows.append(StepRow(step, STEP_NAMES[step], style, icon, run.seconds, text))
    return rows


def _found(run: Run) -> str:
    """What a fixed step that passed has found, in one line; "" while there is nothing to say."""
    result = run.result or {}
    if run.state != State.PASSED or not result:
        return ""
    if run.step == Step.SCAN:
        count = len(result.get("kinds") or ())
        files = ngettext("%(n)s file", "%(n)s files", count) % {"n": number(count)}
        return files if result.get("findings") else gettext("%(files)s, nothing found.") % {"files": files}
    if run.step == Step.INSPECT:
        size = " ".join(count_parts(result.get("parameters"))).strip()
        parts = [str(result.get("architecture") or ""), gettext("%(n)s parameters") % {"n": size}]
        return ", ".join(filter(None, [*parts, *sorted(result.get("parameters_by_dtype") or ())])) + "."
    if run.step == Step.SMOKE:
        asked = [check for check in result.get("checks") or () if check.get("state") != "not_applicable"]
        good = sum(check.get("state") == "pass" for check in asked)
        return gettext("%(good)s of %(all)s checks passed.") % {"good": good, "all": len(asked)}
    return " · ".join(f"{reading.name} {reading.text} {reading.unit}" for reading in cost_readings(result))


def _benchmarks_row(runs: Sequence[Run]) -> StepRow:
    states = [run.state for run in runs]
    seconds = sum(run.seconds or 0 for run in runs) or None
    name = STEP_NAMES[Step.BENCHMARK]
    if not runs:
        return StepRow(Step.BENCHMARK, name, "wait", "dash", None, gettext("No benchmark is set up on this hub."))
    if State.RUNNING in states:
        style, icon = "now", "dial"
    elif any(run.is_open for run in runs):
        style, icon = "wait", "dash"
    elif State.PASSED in states or set(states) <= {State.NOT_APPLICABLE, State.CANCELLED}:
        style, icon = "done", "check"
    else:
        style, icon = "failed", "x"
    return StepRow(Step.BENCHMARK, name, style, icon, seconds, _counted(runs) or STEP_PLANS[Step.BENCHMARK])


def _counted(runs: Sequence[Run]) -> str:
    """ "3 scored, 1 running, 2 not applicable": words for what is there, nothing for what is not."""
    words: tuple[tuple[set[str], str], ...] = (
        ({State.PASSED}, gettext("%(count)s scored")),
        ({State.RUNNING}, gettext("%(count)s running")),
        ({State.QUEUED, State.WAITING}, gettext("%(count)s waiting")),
        ({State.FAILED, State.TIMED_OUT, State.OUT_OF_MEMORY, State.QUARANTINED}, gettext("%(count)s failed")),
        ({State.NOT_APPLICABLE}, gettext("%(count)s not applicable")),
        ({State.CANCELLED}, gettext("%(count)s cancelled")),
    )
    counts = [(sum(run.state in states for run in runs), phrase) for states, phrase in words]
    return gettext(", ").join(phrase % {"count": count} for count, phrase in counts if count)


@dataclass(frozen=True)
class Spent:
    """What an evaluation cost: time of workers, time of processors, and the most memory that one step had."""

    wall_s: float
    cpu_s: float
    peak_bytes: int | None


def spent(runs: Sequence[Run]) -> Spent | None:
    """The sums over all steps that ran; None while none has ended."""
    ended = [run for run in runs if run.seconds is not None]
    if not ended:
        return None
    peak = max((run.peak_rss_bytes for run in ended if run.peak_rss_bytes is not None), default=None)
    return Spent(sum(run.seconds or 0.0 for run in ended), sum(run.cpu_s or 0.0 for run in ended), peak)


def progress_percent(runs: Sequence[Run]) -> int:
    """How much of an evaluation is behind it, each run counting once."""
    if not runs:
        return 100
    done = sum(run.progress if run.state == State.RUNNING else float(not run.is_open) for run in runs)
    return round(100 * done / len(runs))


@dataclass(frozen=True)
class BenchmarkRow:
    """One benchmark of a run page: its state, and its reading once there is a score."""

    run: Run
    title: str
    state: str
    reading: Reading | None
    n: int | None
    receipt: str
    # The version of a benchmark that a newer one has replaced: the score stays, and says so.
    older_version: int | None = None
    stress: Sequence[StressRow] = ()


def benchmark_rows(runs: Iterable[Run]) -> list[BenchmarkRow]:
    """Scored ones first, then those under way, then those that do not apply; each group in the stored order."""
    order = [State.PASSED, State.RUNNING, State.QUEUED, State.WAITING]
    mine = [run for run in runs if run.step == Step.BENCHMARK and run.benchmark is not None]
    mine.sort(key=lambda run: (order.index(State(run.state)) if run.state in order else len(order), run.position))
    rows = []
    for run in mine:
        score = getattr(run, "score", None)
        state = "scored" if score else "queued" if run.state == State.WAITING else run.state
        receipt = getattr(run, "receipt", None)
        rows.append(
            BenchmarkRow(
                run=run,
                title=_named(score) if score else shown_name(run.benchmark.title) if run.benchmark else "",
                state=state,
                reading=score_reading(score) if score else None,
                n=score.n if score else None,
                receipt=receipt.sha256 if receipt else "",
                stress=stress_rows(score.metrics.get("stress")) if score else (),
                older_version=run.benchmark.version if run.benchmark and not run.benchmark.is_active else None,
            )
        )
    return rows


@dataclass(frozen=True)
class Badge:
    state: str
    text: Text = ""


def badges(evaluation: Evaluation | None) -> list[Badge]:
    """What the head of a repository says of its newest commit: scan and smoke, or that it is being measured."""
    if evaluation is None:
        return []
    runs = {run.step: run for run in evaluation.runs.all()}
    found = []
    if evaluation.verdict == Evaluation.Verdict.QUARANTINED:
        found.append(Badge("quarantined"))
    elif evaluation.verdict == Evaluation.Verdict.WARNING:
        found.append(Badge("suspicious"))
    elif evaluation.verdict == Evaluation.Verdict.CLEAN:
        found.append(Badge("clean"))
    smoke = runs.get(Step.SMOKE)
    if smoke is not None and smoke.state == State.PASSED:
        found.append(Badge("passed", gettext("smoke passed")))
    elif smoke is not None and smoke.state in {State.FAILED, State.TIMED_OUT, State.OUT_OF_MEMORY}:
        found.append(Badge("failed", gettext("smoke failed")))
    if evaluation.status == Evaluation.Status.RUNNING:
        found.append(Badge("running", gettext("measuring")))
    elif evaluation.status == Evaluation.Status.QUEUED:
        found.append(Badge("queued", gettext("waiting to be measured")))
    return found


def scores_of(evaluation: Evaluation | None) -> list[Score]:
    """The scores of an evaluation in the order of its runs, each benchmark by its newest version that was scored."""
    if evaluation is None:
        return []
    found = [run.score for run in evaluation.runs.all() if getattr(run, "score", None) is not None]
    newest: dict[str, int] = {}
    for score in found:
        newest[score.benchmark.key] = max(score.benchmark.version, newest.get(score.benchmark.key, 0))
    return [score for score in found if score.benchmark.version == newest[score.benchmark.key]]


def relevant_first(scores: Sequence[Score], languages: Collection[str]) -> list[Score]:
    """Scores in a language that the model's card names come first; within each half the order stays."""

    def is_foreign(score: Score) -> bool:
        spoken = score.benchmark.definition.get("language") or []
        return bool(languages) and bool(spoken) and not set(spoken) & set(languages)

    return sorted(scores, key=is_foreign)


def main_score(scores: Sequence[Score], languages: Collection[str] = ()) -> Score | None:
    """The score that stands for a model where there is room for one: the first that tells something good of it."""
    ranked = relevant_first(scores, languages)
    return next((score for score in ranked if not _is_no_better_than_guessing(score)), ranked[0] if ranked else None)


def _is_no_better_than_guessing(score: Score) -> bool:
    if score.chance is None:
        return False
    end = score.low if score.higher_is_better else score.high
    best = score.value if end is None else end
    return best <= score.chance if score.higher_is_better else best >= score.chance


def result_of(evaluation: Evaluation | None, step: Step) -> dict[str, Any]:
    """What one fixed step found, {} while it has found nothing."""
    if evaluation is None:
        return {}
    return next((run.result or {} for run in evaluation.runs.all() if run.step == step), {})
