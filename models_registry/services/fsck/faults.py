"""What a check finds."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Use:
    """A file that needs damaged bytes: the newest commit that holds it."""

    repository: str
    revision: str
    path: str


@dataclass(frozen=True)
class Fault:
    """One broken promise: where, and what is wrong.

    Attributes:
        is_note: nothing is broken, something is merely left over; the next collection takes it.
        uses: the files that cannot be read any more.
    """

    where: str
    what: str
    path: str = ""
    is_note: bool = False
    uses: tuple[Use, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "where": self.where,
            "what": self.what,
            "severity": "note" if self.is_note else "fault",
        }
        if self.path:
            found["path"] = self.path
        if self.uses:
            found["uses"] = [{"repository": u.repository, "revision": u.revision, "path": u.path} for u in self.uses]
        return found
