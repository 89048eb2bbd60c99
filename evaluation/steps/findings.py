"""The form of what a scan finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The worst finding decides."""

    CLEAN = "clean"
    WARNING = "warning"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Finding:
    """One fault of one file. `detail` is a whole sentence for people; `kind` is for programs.

    Kinds: `executable_format`, `tensor_pickle`, `program`, `name_mismatch`, `ambiguous`, `unreadable`, `archive`,
    `code`, `code_in_config`, `custom_operators`, `missing_data`, `secret`, `virus`, `not_searched`, `not_loaded`.
    A file that is held back is not pulled by default and never reaches a loader.

    `can_convert`: a pickle that only rebuilds tensors, so that the sandbox may turn it into safetensors.
    """

    path: str
    kind: str
    severity: Verdict
    detail: str
    can_convert: bool = False

    @property
    def is_held_back(self) -> bool:
        return self.severity is Verdict.QUARANTINED or self.kind in ("tensor_pickle", "archive")


def held(name: str, kind: str, why: str) -> Finding:
    """A finding that quarantines its file; `why` is a whole sentence."""
    return Finding(name, kind, Verdict.QUARANTINED, f"{name} is held back. {why}")


def warned(name: str, kind: str, detail: str) -> Finding:
    """A finding that is told, and keeps nobody from the file."""
    return Finding(name, kind, Verdict.WARNING, detail)
