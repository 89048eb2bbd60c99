"""Models by need: a task in a language under limits, answered with ranked candidates and the reason of each rank."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.utils.translation import gettext, ngettext

from evaluation import boards
from evaluation.models import Benchmark, Standing
from evaluation.presentation import Reading, score_reading
from evaluation.querysets_standings import Limits, StandingQuerySet
from evaluation.ranking import Rank, ranks
from hub.core.numbers import number
from models_registry.models import Repository

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

    Viewer = User | AnonymousUser

# What people call a task → its id, and words by which its benchmarks are told from others of that task.
ALIASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "asr": ("automatic-speech-recognition", ()),
    "speech": ("automatic-speech-recognition", ()),
    "classification": ("text-classification", ()),
    "classify": ("text-classification", ()),
    "sentiment": ("text-classification", ("sentiment", "emotion")),
    "topic": ("text-classification", ("topic", "news")),
    "topics": ("text-classification", ("topic", "news")),
    "spam": ("text-classification", ("spam",)),
    "intent": ("text-classification", ("intent",)),
    "completion": ("text-generation", ()),
    "generate": ("text-generation", ()),
    "generation": ("text-generation", ()),
    "language-modeling": ("text-generation", ()),
    "language-modelling": ("text-generation", ()),
    "lm": ("text-generation", ()),
    "grammar": ("text-generation", ("grammar", "blimp", "pairs")),
    "embed": ("sentence-similarity", ()),
    "embedding": ("sentence-similarity", ()),
    "embeddings": ("sentence-similarity", ()),
    "similarity": ("sentence-similarity", ()),
    "mlm": ("fill-mask", ()),
    "ner": ("token-classification", ("ner", "entit")),
    "entities": ("token-classification", ("ner", "entit")),
    "pos": ("token-classification", ("pos", "part of speech", "tagging")),
    "tagging": ("token-classification", ("pos", "part of speech", "tagging")),
    "qa": ("question-answering", ()),
    "mt": ("translation", ()),
    "translate": ("translation", ()),
    "summarisation": ("summarization", ()),
    "summarize": ("summarization", ()),
    "summary": ("summarization", ()),
}
_NEAREST_AMONG = 2_000
_NUMBERS = {
    "max_bytes": ("size_bytes", "MB", 1e6),
    "max_ms": ("first_ms", "ms", 1.0),
    "max_memory_bytes": ("memory_bytes", "MB", 1e6),
    "max_parameters": ("parameters", "", 1.0),
}
# As the question names them.
NAMES = {"max_bytes": "max_mb", "max_memory_bytes": "max_memory_mb"}


@dataclass(frozen=True)
class Need:
    """What is asked for. `task` may be an alias; `benchmark` settles what decides, "" leaves it to the hub."""

    task: str
    language: str = ""
    benchmark: str = ""
    limits: Limits = field(default_factory=Limits)
    min_score: float | None = None


@dataclass(frozen=True)
class Candidate:
    """One model that fits, with its place among those that do and why it is there."""

    standing: Standing
    rank: Rank
    reason: str


@dataclass(frozen=True)
class Found:
    """The answer. Without candidates `excluded` counts for each limit whom it leaves out, and `message` says it."""

    task: str
    benchmark: Benchmark | None
    candidates: Sequence[Candidate]
    fitting: int
    measured: int
    excluded: dict[str, int]
    nearest: Standing | None
    message: str


def canonical_task(name: str) -> str:
    """The id of a task that may be given by another name."""
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    return ALIASES[plain][0] if plain in ALIASES else plain


def find(viewer: "Viewer", need: Need, *, limit: int = 10) -> Found:
    """Models whose files this person may have, ranked on the benchmark that decides for this need."""
    task = canonical_task(need.task)
    usable = Standing.objects.filter(repository__in=Repository.objects.downloadable_by(viewer).offered_to(viewer))
    benchmark = _deciding(viewer, need, task, usable)
    if benchmark is None:
        return Found(task, None, [], 0, 0, {}, None, _no_benchmark(viewer, need, task))
    limits = boards.at_least(benchmark, need.limits, need.min_score)
    on_it = usable.on(benchmark)
    fitting = on_it.within(limits)
    best_first = fitting.order_by("-merit", "size_bytes", "id")
    summary = best_first.values_list("id", "merit_low", "merit_high")[: boards.MAX_RANKED]
    places = ranks({pk: (low, high) for pk, low, high in summary})
    rows = list(best_first.with_names()[:limit])
    excluded, measured = _excluded(on_it, limits)
    nearest = None if rows else _nearest(on_it, limits)
    message = "" if rows else _none_fits(excluded, measured, nearest, limits)
    return Found(task, benchmark, _reasoned(rows, places), len(places), measured, excluded, nearest, message)


def _deciding(viewer: "Viewer", need: Need, task: str, usable: StandingQuerySet) -> Benchmark | None:
    """The benchmark that ranks: the one asked for, else of those that fit the one that most models stand on."""
    choice = boards.Choice(task=task, language=need.language)
    fitting = boards.benchmarks(viewer, choice)
    if need.benchmark:
        return next((row for row in fitting if row.key == need.benchmark), None)
    _, words = ALIASES.get(need.task.strip().lower().replace("_", "-"), (task, ()))
    named = [row for row in fitting if any(word in f"{row.key} {row.title}".lower() for word in words)]
    chosen = named or fitting
    counts = usable.filter(benchmark__in=[row.pk for row in chosen]).counts_by_benchmark()
    return max(chosen, key=lambda row: (counts.get(row.pk, 0), [-ord(letter) for letter in row.key]), default=None)


def _reasoned(rows: Sequence[Standing], places: dict[int, Rank]) -> list[Candidate]:
    readings = [score_reading(row.score) for row in rows]
    found = []
    for position, (row, reading) in enumerate(zip(rows, readings, strict=True)):
        rank = places.get(row.pk, Rank(position + 1, position + 1))
        found.append(Candidate(row, rank, _reason(position, row, reading, rows[0], readings[0])))
    return found


def _reason(position: int, row: Standing, reading: Reading, first: Standing, best: Reading) -> str:
    """Why a model has its place, in one line."""
    words = {"value": _written(reading), "benchmark": reading.name, "metric": reading.metric}
    if position == 0:
        return gettext("Best of those that fit: %(metric)s %(value)s on %(benchmark)s.") % words
    behind = number(abs((best.value or 0.0) - (reading.value or 0.0)))
    unit = ngettext("point", "points", 1 if behind == "1" else 2) if best.unit == "%" else best.unit
    words |= {"behind": f"{behind} {unit}".strip()}
    if row.merit_high >= first.merit_low:
        return gettext("%(metric)s %(value)s, %(behind)s behind the first; their intervals overlap.") % words
    return gettext("%(metric)s %(value)s, %(behind)s behind the first.") % words


def _written(reading: Reading) -> str:
    decimals = 1 if reading.unit == "%" else None
    text = f"{reading.text} {reading.unit}".strip()
    if reading.ci_low is None or reading.ci_high is None:
        return text
    return f"{text} ({number(reading.ci_low, decimals=decimals)}–{number(reading.ci_high, decimals=decimals)})"


def _excluded(on_it: StandingQuerySet, limits: Limits) -> tuple[dict[str, int], int]:
    """How many models each limit alone leaves out, by the names of the question, and how many there are."""
    conditions = limits.conditions()
    counts = {name: Count("pk", filter=condition) for name, condition in conditions.items()}
    kept = on_it.aggregate(total=Count("pk", filter=Q(pk__isnull=False)), **counts)
    total = kept.pop("total")
    return {NAMES.get(name, name): total - number for name, number in kept.items()}, total


def _nearest(on_it: StandingQuerySet, limits: Limits) -> Standing | None:
    """The model that misses the numeric limits by least, among those that keep to all others."""
    numeric = {name: getattr(limits, name) for name in _NUMBERS if getattr(limits, name) is not None}
    if not numeric:
        return None
    rest = Limits(**{**vars(limits), **dict.fromkeys(numeric)})
    columns = [_NUMBERS[name][0] for name in numeric]
    rows = on_it.within(rest).order_by("-merit", "id").values_list("id", *columns)[:_NEAREST_AMONG]

    def excess(row: tuple[float | None, ...]) -> float:
        pairs = zip(row[1:], numeric.values(), strict=True)
        return sum(max(0.0, value / max(most, 1e-9) - 1) if value is not None else 1e9 for value, most in pairs)

    nearest = min(rows, key=excess, default=None)
    return on_it.with_names().get(pk=nearest[0]) if nearest else None


def _none_fits(excluded: dict[str, int], measured: int, nearest: Standing | None, limits: Limits) -> str:
    if not measured:
        return gettext("No model has been measured for this yet.")
    parts = [gettext("No model fits all of this.")]
    most = max(excluded, key=lambda name: excluded[name], default="")
    if most:
        words = {"limit": most, "left": excluded[most], "all": measured}
        text = ngettext(
            "%(limit)s excludes most: %(left)s of %(all)s model.",
            "%(limit)s excludes most: %(left)s of %(all)s models.",
            measured,
        )
        parts.append(text % words)
    if nearest is not None:
        over = _over(nearest, limits)
        if over:
            words = {"name": nearest.repository.full_name, "over": gettext(", ").join(over)}
            parts.append(gettext("The nearest is %(name)s, %(over)s over.") % words)
    return " ".join(parts)


def _over(row: Standing, limits: Limits) -> list[str]:
    """By how much a model is over each numeric limit: "1.2 MB"."""
    found = []
    for name, (column, unit, divisor) in _NUMBERS.items():
        most, value = getattr(limits, name), getattr(row, column)
        if most is not None and value is not None and value > most:
            found.append(f"{number((value - most) / divisor)} {unit}".strip())
    return found


def _no_benchmark(viewer: "Viewer", need: Need, task: str) -> str:
    if need.benchmark:
        return gettext("No benchmark %(key)s measures this here.") % {"key": need.benchmark}
    known = boards.benchmarks(viewer)
    tasks = sorted({row.task for row in known})
    if task in tasks:
        spoken = {code for row in known if row.task == task for code in boards.languages_of(row)}
        words = {"task": task, "language": need.language, "languages": ", ".join(sorted(spoken))}
        return gettext("Nothing measures %(task)s in %(language)s here; there is %(languages)s.") % words
    words = {"task": need.task, "tasks": ", ".join(tasks) or "—"}
    return gettext("Nothing measures %(task)s here; there is %(tasks)s.") % words
