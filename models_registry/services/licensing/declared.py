"""The licence that a commit declares, whether it is the head or long past. What was read once is kept in rows."""

from collections.abc import Collection

from models_registry.cards import CARD, MAX_CARD_BYTES, CardFault, read_card
from models_registry.manifests import listings_of
from models_registry.models import Commit, CommitLicence, GitObject, Repository
from models_registry.models.licence_terms import MAX_LICENCE

MAX_AT_ONCE = 200


def licence_of(repository: Repository, commit: Commit) -> str:
    """What the card of this commit declares; "" for nothing."""
    if commit.oid == repository.head:
        return repository.licence
    kept = CommitLicence.objects.filter(commit=commit).values_list("licence", flat=True).first()
    return kept if kept is not None else _read([commit])[commit.pk]


def licences_of(commits: Collection[Commit]) -> dict[int, str]:
    """The same of many commits, of any repositories, by their row numbers; a constant number of queries.

    Commits made before these rows were kept are read now and kept from then on.
    """
    wanted = {commit.pk: commit for commit in commits}
    found = dict(CommitLicence.objects.filter(commit__in=wanted).values_list("commit_id", "licence"))
    missing = [commit for pk, commit in wanted.items() if pk not in found]
    if missing:
        read = _read(missing[:MAX_AT_ONCE])
        CommitLicence.objects.bulk_create(
            (CommitLicence(commit_id=pk, licence=licence) for pk, licence in read.items()), ignore_conflicts=True
        )
        found |= read
    return found


def keep(commit: Commit, licence: str) -> None:
    """Note what a commit declares, once."""
    CommitLicence.objects.get_or_create(commit=commit, defaults={"licence": licence[:MAX_LICENCE]})


def _read(commits: list[Commit]) -> dict[int, str]:
    """From the cards themselves: one query for the listings, one for the texts."""
    listings = listings_of(commits)
    cards = {}
    for commit in commits:
        entry = listings[commit.pk].files.get(CARD) if commit.pk in listings else None
        if entry is not None and not entry.is_large and entry.size <= MAX_CARD_BYTES:
            cards[commit.pk] = (commit.repository_id, entry.oid)
    rows = GitObject.objects.filter(
        repository__in={repository for repository, _ in cards.values()}, oid__in={oid for _, oid in cards.values()}
    )
    texts = {(row.repository_id, row.oid): bytes(row.body).decode("utf-8", "replace") for row in rows}
    return {commit.pk: _licence(texts.get(cards.get(commit.pk, (0, "")), "")) for commit in commits}


def _licence(text: str) -> str:
    try:
        return read_card(text).licence[:MAX_LICENCE]
    except CardFault:
        return ""
