"""Whether a commit has the scan's verdict, and if not, whether it will come: reads for pages."""

from enum import StrEnum

from evaluation.models import OPEN_STATES, Run, Step
from models_registry.models import Commit, Kind, ScanVerdict


class ScanWait(StrEnum):
    """Why there is no verdict on a commit."""

    NO = ""
    WAITING = "waiting"
    NONE = "none"


def wait_of(commit: Commit) -> ScanWait:
    """Whether people wait for a verdict on this commit, or nobody asked for one. Not of what is never scanned."""
    is_scanned = {Kind.MODEL: True, Kind.DATASET: bool(commit.held)}.get(Kind(commit.repository.kind), False)
    if commit.scan_verdict != ScanVerdict.PENDING or not is_scanned:
        return ScanWait.NO
    asked = Run.objects.filter(step=Step.SCAN, state__in=OPEN_STATES, evaluation__commit=commit)
    return ScanWait.WAITING if asked.exists() else ScanWait.NONE
