"""How a run ended, as values: what the work hands to `finish_run`."""

from dataclasses import dataclass, field
from typing import Any

from evaluation.models import State
from models_registry.models import ScanVerdict


@dataclass(frozen=True)
class ScoreDraft:
    """One number with its interval and what it is read against. `metrics` holds what was computed beside it."""

    metric: str
    value: float
    n: int
    higher_is_better: bool
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    method: str = ""
    unit: str = ""
    baseline_name: str = ""
    baseline_value: float | None = None
    chance: float | None = None
    tier: str = "standard"
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReceiptDraft:
    """A receipt in canonical JSON, and the outputs by item behind it (None: no items): the Parquet file that it names
    by hash, and the hash over the rows themselves.
    """

    body: str
    sha256: str
    items: bytes | None = None
    items_sha256: str = ""
    item_count: int = 0


@dataclass(frozen=True)
class Used:
    """What an attempt cost: processor time of the worker and of the model's process, and the latter's most memory."""

    cpu_s: float
    peak_rss_bytes: int | None = None


@dataclass(frozen=True)
class ScanNews:
    """What a scan found out for the doors that serve files: the verdict, and the paths held back with the reason."""

    verdict: ScanVerdict
    held: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The end of a run: its state, why, and what is to be kept."""

    state: State
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    score: ScoreDraft | None = None
    receipt: ReceiptDraft | None = None
    scan: ScanNews | None = None
    parameters_by_dtype: dict[str, int] | None = None
