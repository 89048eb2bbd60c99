"""The badge of a model: its score in a few words, for pages elsewhere."""

from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.translation import override

from evaluation.models import Comparison, Evaluation, Score
from evaluation.presentation import main_score, score_reading, scores_of
from evaluation.services.versions import base_of_release
from models_registry import addresses
from models_registry.labels import languages
from models_registry.models import Commit, Release, Repository
from models_registry.services.revisions import find_commit, held_release, latest_release

LABEL = "smallhub"
# Dark enough for white text at 4.5 to 1.
COLORS = {"better": "#1f6f43", "worse": "#a32f1c", "measured": "#1d4ea8", "none": "#5a5f66"}
_CHARACTER = 6.6
_PADDING = 12


@dataclass(frozen=True)
class Badge:
    """Label and message, and what they are made from."""

    label: str
    message: str
    color: str
    is_private: bool
    details: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The fields of badge servers, then ours."""
        return {"schemaVersion": 1, "label": self.label, "message": self.message, "color": self.color} | self.details


def badge_of(repository: Repository, *, benchmark: str = "") -> Badge:
    """What `latest` gives: its release, its main score or that of one benchmark, and the verdict against the release
    before. Always in English and of what anybody may see, whoever asks: it stands on other pages.
    """
    release = latest_release(repository)
    held = held_release(repository) if release is None else None
    if held is not None:
        return _held_badge(repository, held)
    commit = release.commit if release is not None else find_commit(repository, None)
    evaluation = Evaluation.objects.with_runs(None).filter(commit=commit).first()
    scores = scores_of(evaluation)
    if benchmark:
        scores = [score for score in scores if score.benchmark.key == benchmark]
    score = main_score(scores, languages(repository))
    verdict = _verdict(evaluation)
    with override("en"):
        message, color = _message(evaluation, score, verdict)
    name = f"{release.name} · " if release is not None else ""
    details = _details(repository, commit, release) | {"verdict": verdict or None, "score": _score(score)}
    return Badge(LABEL, f"{name}{message}", COLORS[color], repository.is_private, details)


def _held_badge(repository: Repository, release: Release) -> Badge:
    """No number stands on it: nobody gets this version as `latest`."""
    details = _details(repository, release.commit, release) | {"verdict": "held", "score": None}
    return Badge(LABEL, f"{release.name} · held", COLORS["worse"], repository.is_private, details)


def _details(repository: Repository, commit: Commit, release: Release | None) -> dict[str, Any]:
    return {
        "repository": repository.full_name,
        "commit": commit.oid,
        "release": release.name if release is not None else None,
        "url": addresses.absolute(addresses.page(repository)),
    }


def _verdict(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return ""
    base = base_of_release(evaluation)
    rows = Comparison.objects.shown(None).filter(evaluation=evaluation, base=base, settled_at__isnull=False)
    row: Comparison | None = rows.first()
    return row.seen_summary if row is not None else ""


def _message(evaluation: Evaluation | None, score: Score | None, verdict: str) -> tuple[str, str]:
    if evaluation is None:
        return "not measured", "none"
    if score is None:
        return ("measuring", "none") if evaluation.status != Evaluation.Status.DONE else ("no score", "none")
    reading = score_reading(score)
    unit = "%" if reading.unit == "%" else f" {reading.unit}".rstrip()
    part = "" if score.tier == "standard" else f" ({score.tier} tier)"
    text = f"{score.benchmark.title}{part} {reading.text}{unit}"
    color = {"better": "better", "worse": "worse", "mixed": "worse"}.get(verdict, "measured")
    mark = {"better": " ▲", "worse": " ▼", "mixed": " ▲▼"}.get(verdict, "")
    return text + mark, color


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    receipt = getattr(score.run, "receipt", None)
    return {
        "benchmark": score.benchmark.key,
        "version": score.benchmark.version,
        "metric": score.metric,
        "tier": score.tier,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "receipt": receipt.sha256 if receipt is not None else None,
    }


def draw(label: str, message: str, color: str) -> str:
    """The picture: two boxes side by side, wide enough for their words."""
    left, right = (round(_width(text) * _CHARACTER) + _PADDING for text in (label, message))
    whole, title = left + right, escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{left}" height="20" fill="#22262b"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{color}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(message)}</text></g></svg>'
    )


def _width(text: str) -> float:
    """In characters of usual width; those of East Asian scripts are nearly twice as wide."""
    return sum(1.8 if ord(character) > 0x2E7F else 1.0 for character in text)
