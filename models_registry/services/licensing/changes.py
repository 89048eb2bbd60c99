"""Changes of a licence: noted when the head of the default branch declares another one, and told to who listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models_registry.licences import COPYLEFT, NON_COMMERCIAL, PERMISSIVE, RESTRICTED, licence_class
from models_registry.models import Commit, LicenceChange, Release, Repository
from models_registry.models.licence_terms import MAX_LICENCE
from models_registry.services.events import note_event
from models_registry.services.licensing import declared

# From what asks least to what asks most. Of these two nobody can say which asks more: both count alike.
_RANK = {PERMISSIVE: 0, COPYLEFT: 1, NON_COMMERCIAL: 2, RESTRICTED: 2}
Way = LicenceChange.Way


@dataclass(frozen=True)
class Step:
    """A licence in one version and in the next one."""

    old: str
    new: str

    @property
    def way(self) -> str:
        return way_of(self.old, self.new)

    def as_json(self) -> dict[str, str]:
        return {"old": self.old, "new": self.new, "way": self.way}


def way_of(old: str, new: str) -> str:
    """Whether the step from one licence to the other is to a freer or a stricter one.

    To declare any is freer than none, which lets nobody do anything. Of licences of one class, and of those that
    nobody here knows, it is not said.
    """
    if not old or not new:
        return Way.FREER if new else Way.STRICTER
    before, after = _RANK.get(licence_class(old)), _RANK.get(licence_class(new))
    if before is None or after is None or before == after:
        return Way.OTHER
    return Way.FREER if after < before else Way.STRICTER


def step(old: str, new: str) -> Step | None:
    """What to tell between two versions; None where the licence stayed. Spelling alone is no change."""
    return Step(old, new) if old.strip().lower() != new.strip().lower() else None


def note_head(*, repository: Repository, commit: Commit, before: str, had_head: bool) -> LicenceChange | None:
    """Keep what a new head declares, and tell the webhooks where it is another licence than before.

    Args:
        before: what the head before it declared.
        had_head: False for the first commit, which changes nothing.
    """
    declared.keep(commit, repository.licence)
    found = step(before[:MAX_LICENCE], repository.licence[:MAX_LICENCE]) if had_head else None
    if found is None:
        return None
    row = LicenceChange.objects.create(
        repository=repository, commit=commit.oid, old=found.old, new=found.new, way=found.way
    )
    news: dict[str, Any] = {**found.as_json(), "commit": commit.oid}
    note_event(repository=repository, action="update", scope="repo.licence", more={"licence": news})
    return row


def history_of(repository: Repository, limit: int = 50) -> list[dict[str, Any]]:
    """When the licence of the default branch changed, the latest first."""
    rows = LicenceChange.objects.filter(repository=repository)[:limit]
    return [{"commit": row.commit, "old": row.old, "new": row.new, "way": row.way, "at": row.at} for row in rows]


def between_releases(releases: Sequence[Release]) -> dict[int, Step | None]:
    """For each release the step from the one after it in this list (newest first) that was not yanked, by row number.

    The last one has nothing to be compared with.
    """
    licences = declared.licences_of([release.commit for release in releases])
    found: dict[int, Step | None] = {}
    for place, release in enumerate(releases):
        below = next((row for row in releases[place + 1 :] if not row.is_yanked), None)
        known = below is not None and {below.commit_id, release.commit_id} <= licences.keys()
        found[release.pk] = step(licences[below.commit_id], licences[release.commit_id]) if known and below else None
    return found
