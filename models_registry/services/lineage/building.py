"""Links of a commit, written from its files and from what its weights told: all of them anew, as often as one likes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from models_registry import lineage
from models_registry.lineage import Claim, Place
from models_registry.lineage.claims import DERIVED, MAX_CLAIMS
from models_registry.manifests import listing_of
from models_registry.models import (
    Commit,
    Evidence,
    FormerName,
    GitObject,
    Kind,
    LineageLink,
    LineageState,
    Relation,
    Repository,
    StorageUse,
)
from models_registry.services.licensing.inheritance import settle_after_commit
from models_registry.services.licensing.marks import mark
from models_registry.services.lineage.circles import closing
from models_registry.services.lineage.queue import dispatch
from models_registry.types import Listing

WEIGHTS = (".safetensors", ".gguf")
MAX_SMALL_FILES = 20
_TRACED = (Kind.MODEL, Kind.DATASET)
_ON_THE_WIRE = {Relation.FINETUNE, Relation.ADAPTER, Relation.MERGE, Relation.QUANTIZED}


def note_head(*, repository: Repository, commit: Commit) -> list[LineageLink]:
    """A new head: write its links, and let its weights be looked at. Call it inside the transaction that moves it."""
    if repository.kind not in _TRACED:
        return []
    state = _state_of(repository)
    has_weights = repository.kind == Kind.MODEL and bool(weights_key(listing_of(commit)))
    # With the weights of before, what was found stays, and only the comparison is made again: it has other names.
    state.state = LineageState.State.WAITING if has_weights else LineageState.State.DONE
    state.heard_at, state.fault = timezone.now(), ""
    state.attempt += 1  # Whoever is at the commit of before need not finish.
    if not has_weights:
        state.weights_key, state.sketch, state.tensors, state.headers, state.matches = "", b"", 0, [], []
        state.sketched_at = None
        state.shapes.all().delete()
    state.commit = commit
    state.save()
    adopt(repository)
    return write_links(repository=repository, commit=commit, state=state)


def ask_for_weights(*, repository_id: int, commit_id: int) -> None:
    """The scan has seen a commit: have its weights looked at, once what is being written is."""
    found = LineageState.objects.filter(repository=repository_id, commit=commit_id, state=LineageState.State.WAITING)
    if found.exists():
        transaction.on_commit(partial(dispatch, repository_id))


@transaction.atomic
def rebuild(*, repository: Repository) -> bool:
    """Write the links of a repository's head again; False where it has none."""
    StorageUse.objects.lock(repository)  # As commits do, so that both do not write at once.
    current = Repository.objects.select_related("namespace").filter(pk=repository.pk).first()
    commit = Commit.objects.filter(repository=repository, oid=current.head).first() if current is not None else None
    if current is None or commit is None:
        return False
    note_head(repository=current, commit=commit)
    return True


def write_links(*, repository: Repository, commit: Commit, state: LineageState) -> list[LineageLink]:
    """Put the links of a commit in place of what was written for it before. The caller holds the repository's lock."""
    listing = listing_of(commit)
    claims = read_claims(repository, listing)
    applies = bool(state.weights_key) and state.weights_key == weights_key(listing)
    if applies:
        headers = [claim_from_json(each) for each in state.headers]
        claims = lineage.merged([*claims, *headers], own=repository.full_name, own_kind=repository.kind)
    links = links_of(claims)
    if applies:
        links = _weighed(links, state.matches)
    circle = closing(repository, [each.parent_id for each in links if each.parent_id])
    for at, each in enumerate(links):
        each.repository, each.commit, each.position = repository, commit, at
        each.refused = "cycle" if each.parent_id in circle else ""
    if links or repository.inherited_gate or repository.gated:  # A gate may pass on by what the card says.
        settle_after_commit(repository)
    LineageLink.objects.filter(commit=commit).delete()
    mark({repository.pk})
    return LineageLink.objects.bulk_create(links)


def read_claims(repository: Repository, listing: Listing) -> list[Claim]:
    """What the small files of a commit say."""
    wanted = {
        path: entry.oid
        for path, entry in sorted(listing.files.items())
        if lineage.is_small_file(path) and not entry.is_large and entry.size <= lineage.files.MAX_BYTES
    }
    wanted = dict(list(wanted.items())[:MAX_SMALL_FILES])
    rows = GitObject.objects.filter(repository=repository, oid__in=set(wanted.values())).values_list("oid", "body")
    bodies = {oid: bytes(body) for oid, body in rows}
    contents = {path: bodies[oid] for path, oid in wanted.items() if oid in bodies}
    return lineage.claims_of(listing.files, contents, kind=repository.kind, own=repository.full_name)


def weights_key(listing: Listing) -> str:
    """Names the weights of a commit: a digest of their files' hashes, "" where there are none."""
    hashes = sorted(entry.sha256 for path, entry in listing.files.items() if path.endswith(WEIGHTS))
    return hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else ""


def tags_of(links: Iterable[LineageLink]) -> list[str]:
    """Bases as the wire's tags spell them: the name alone, then with what it is to the child."""
    found: list[str] = []
    for link in links:
        if link.parent_kind == Kind.MODEL and link.parent_name and not link.is_from_weights and not link.refused:
            found.append(f"base_model:{link.parent_name}")
            if link.relation in _ON_THE_WIRE:
                found.append(f"base_model:{link.relation}:{link.parent_name}")
    return found


def adopt(repository: Repository) -> int:
    """Let links find this repository that were written before it was here."""
    waiting = LineageLink.objects.filter(parent__isnull=True, parent_kind=repository.kind, parent_key=repository.key)
    return waiting.exclude(repository=repository).update(parent=repository)


def claim_as_json(claim: Claim) -> dict[str, Any]:
    return {
        "kind": claim.kind,
        "name": claim.name,
        "relation": claim.relation,
        "says": claim.says,
        "places": [[place.file, place.key] for place in claim.places],
    }


def claim_from_json(value: Mapping[str, Any]) -> Claim:
    places = tuple(Place(file, key) for file, key in value["places"])
    return Claim(value["kind"], value["name"], value["relation"], DERIVED, places, value["says"])


def links_of(claims: Iterable[Claim]) -> list[LineageLink]:
    """Rows of claims, not saved, with the repositories that they name as far as these are here."""
    links = [_link(claim, at) for at, claim in enumerate(claims)]
    _resolve(links)
    return links


def _state_of(repository: Repository) -> LineageState:
    return LineageState.objects.select_for_update().get_or_create(
        repository=repository, defaults={"heard_at": timezone.now()}
    )[0]


def _link(claim: Claim, position: int) -> LineageLink:
    return LineageLink(
        position=position,
        parent_kind=claim.kind,
        parent_name=claim.name,
        parent_key=claim.name.lower(),
        relation=claim.relation,
        evidence=claim.evidence,
        detail={"places": [{"file": each.file, "key": each.key} for each in claim.places], "says": claim.says},
    )


def _resolve(links: Iterable[LineageLink]) -> None:
    """Give each link the repository of that name, its present one or one that it had before: two queries."""
    wanted = [each for each in links if each.parent_key]
    keys = {each.parent_key for each in wanted}
    here: dict[tuple[str, str], Repository] = {}
    if keys:
        former = FormerName.objects.filter(key__in=keys, repository__deleted_at__isnull=True)
        for row in former.select_related("repository__namespace").order_by("pk"):
            if row.repository is not None:
                here[row.kind, row.key] = row.repository
        for found in Repository.objects.filter(kind__in=_TRACED, key__in=keys).select_related("namespace"):
            here[found.kind, found.key] = found
    for each in wanted:
        each.parent = here.get((each.parent_kind, each.parent_key))


@dataclass(frozen=True)
class Weighed:
    """One entry of `LineageState.matches`: how the weights stand to those of another repository."""

    repository_id: int
    verdict: str  # verified, contradicted, proposed, or "" where they neither agree nor disagree.
    relation: str
    figures: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "repository": self.repository_id,
            "verdict": self.verdict,
            "relation": self.relation,
            "figures": self.figures,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Weighed:
        return cls(int(value["repository"]), value["verdict"], value["relation"], value["figures"])


def _weighed(links: list[LineageLink], matches: Sequence[Mapping[str, Any]]) -> list[LineageLink]:
    """Lay what the weights told over what files say, and add parents that no file names."""
    found = {each.repository_id: each for each in map(Weighed.from_json, matches)}
    named = {each.parent_id for each in links if each.parent_id}
    for each in links:
        weighed = found.get(each.parent_id or 0)
        if weighed is None:
            continue
        each.detail = each.detail | {"weights": weighed.figures}
        if weighed.verdict in {Evidence.VERIFIED, "proposed"}:
            each.evidence = Evidence.VERIFIED
        elif weighed.verdict == Evidence.CONTRADICTED:
            each.evidence = Evidence.CONTRADICTED
    more = [each for pk, each in found.items() if pk not in named and each.verdict == "proposed"]
    parents = Repository.objects.filter(pk__in=[each.repository_id for each in more]).select_related("namespace")
    by_pk = {each.pk: each for each in parents}
    return [*links, *(_proposal(each, by_pk[each.repository_id]) for each in more if each.repository_id in by_pk)][
        :MAX_CLAIMS
    ]


def _proposal(weighed: Weighed, parent: Repository) -> LineageLink:
    return LineageLink(
        parent_kind=parent.kind,
        parent_name=parent.full_name,
        parent_key=parent.key,
        parent=parent,
        relation=weighed.relation,
        evidence=Evidence.DERIVED,
        is_from_weights=True,
        detail={"places": [], "says": "", "weights": weighed.figures},
    )
