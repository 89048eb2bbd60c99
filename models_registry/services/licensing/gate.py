"""The gate of licences: whether what a namespace wants lets a release be `latest`."""

from collections.abc import Iterator

from django.utils.translation import gettext

from models_registry.licences import Conflict, Judgement, judge
from models_registry.models import GateOpinion, LicencePolicy, Release, ReleaseGate, Repository
from models_registry.models.releases import MAX_REASON
from models_registry.services import gating, lineage
from models_registry.services.licensing.declared import licences_of
from models_registry.services.licensing.policies import policy_of

MAX_RELEASES = 100


def settle_release(release: Release) -> None:
    """Decide on one release. Call it inside the transaction that made it."""
    _settle(release.repository, [release])


def settle_releases(repository: Repository) -> None:
    """Decide anew on the standing releases of a repository, the newest first."""
    rows = repository.releases.filter(yanked_at__isnull=True).select_related("commit").prefetch_related("opinions")
    _settle(repository, list(rows.order_by("-pk")[:MAX_RELEASES]))


def decide(policy: LicencePolicy, found: Judgement) -> tuple[ReleaseGate, str]:
    """Whether a release may be `latest`, and why not or what to know. Reads only."""
    if policy.mode == LicencePolicy.Mode.INFORM:
        return ReleaseGate.PASSED, ""
    said = list(_conflicts(found))
    if policy.holds_unknown and not said:
        said = [str(one.text) for one in found.unknowns]
    if not said:
        return ReleaseGate.PASSED, ""
    reason = _fitting(said)
    return (ReleaseGate.FAILED if policy.mode == LicencePolicy.Mode.BLOCK else ReleaseGate.PASSED), reason


def sentence(conflict: Conflict) -> str:
    """A conflict with the clauses of both sides, in one line."""
    sides = "; ".join(
        gettext("%(licence)s %(section)s: %(text)s")
        % {"licence": side.licence, "section": side.section, "text": side.text}
        for side in conflict.sides
    )
    return f"{conflict.text} ({sides})"


def _settle(repository: Repository, releases: list[Release]) -> None:
    policy = policy_of(repository.namespace)
    licences = licences_of([release.commit for release in releases])
    judged: dict[tuple[int, str], Judgement] = {}
    for release in releases:
        mine = next((one for one in release.opinions.all() if one.source == GateOpinion.Source.LICENCE), None)
        if policy.mode == LicencePolicy.Mode.INFORM and mine is None:
            continue
        release.repository = repository
        key = (release.commit_id, licences[release.commit_id])
        if key not in judged:
            judged[key] = judge(lineage.graph(repository, commit=release.commit))
        gate, reason = decide(policy, judged[key])
        if mine is not None or (gate, reason) != (ReleaseGate.PASSED, ""):
            gating.set_gate(release=release, gate=gate, reason=reason, source=gating.LICENCE)


def _conflicts(found: Judgement) -> Iterator[str]:
    return (sentence(conflict) for conflict in found.conflicts)


def _fitting(said: list[str]) -> str:
    """As many sentences as the row holds, the first one in any case."""
    kept = ""
    for number, one in enumerate(said):
        rest = gettext("… and %(count)d more.") % {"count": len(said) - number}
        if kept and len(f"{kept} {one}") > MAX_REASON - len(rest) - 1:
            return f"{kept} {rest}"
        kept = f"{kept} {one}".strip()
    return kept[:MAX_REASON]
