"""One push, from checks to rows. Nothing is stored before everything was looked at; then all is, in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from accounts.models import User
from models_registry.cards import CardFault, read_card
from models_registry.exceptions import LicenceNotAllowed, QuotaExceeded, TooManyFiles
from models_registry.git.exceptions import MalformedObject, MalformedPack, MissingObject, PackTooLarge
from models_registry.git.quarantine import BLOB, Quarantine
from models_registry.git.unpacking import Deadline, Limits
from models_registry.models import Ref, Repository
from models_registry.permissions import Action, require
from models_registry.services.heads import CARD, MAX_CARD_BYTES
from models_registry.services.pushes.arrivals import Arrivals
from models_registry.services.pushes.drafts import Drafts
from models_registry.services.pushes.listings import Listings
from models_registry.services.pushes.storing import Stale, store
from models_registry.services.pushes.updates import RefUpdate, refusal_of
from models_registry.storage.exceptions import BeingCollected
from models_registry.types import BRANCH, RefChange

_CONTENT_REFUSALS = (MalformedObject, MalformedPack, MissingObject, PackTooLarge, TooManyFiles)


@dataclass
class Outcome:
    """What became of a push.

    Attributes:
        refused: why a ref was not moved, by its name.
        moved: the refs that were.
        lines: sentences for the person who pushed.
    """

    refused: dict[str, str] = field(default_factory=dict)
    moved: list[RefChange] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def receive(
    *,
    repository: Repository,
    user: User,
    pushed: Quarantine,
    updates: Sequence[RefUpdate],
    is_atomic: bool = False,
    limits: Limits | None = None,
    check_cards: bool = True,
) -> Outcome:
    """Take in objects and move refs to them.

    Every commit that the refs lead to becomes a commit of the repository under the id that it has, with its listing.
    A fault in any of their objects refuses the whole push; a ref that may not be moved is refused alone, unless
    `is_atomic`.

    Args:
        pushed: the objects that may be new, in any order; see `quarantine`. Those that no ref leads to are dropped.
        updates: each ref at most once.
        check_cards: refuse heads whose README.md has a front matter that cannot be read.

    Raises:
        RepositoryNotFound: the user may not see the repository.
    """
    require(user, Action.READ, repository)
    limits = limits or Limits()
    outcome = Outcome()
    wanted = list(updates)
    while wanted:
        wanted = _permitted(repository, user, wanted, outcome, is_atomic=is_atomic)
        if not wanted:
            break
        try:
            _take(repository, user, pushed, wanted, outcome, limits, check_cards=check_cards)
        except Stale as stale:
            outcome.refused |= dict.fromkeys(stale.names, "the ref has moved in the meantime, fetch first")
            wanted = [update for update in wanted if update.name not in stale.names]
            if is_atomic:
                _refuse(outcome, wanted, "the atomic push was refused as a whole")
                break
            continue
        break
    return outcome


def _permitted(
    repository: Repository, user: User, updates: list[RefUpdate], outcome: Outcome, *, is_atomic: bool
) -> list[RefUpdate]:
    refs = {ref.name: ref for ref in repository.refs.all()}
    allowed = []
    for update in updates:
        reason = refusal_of(update, repository=repository, user=user, refs=refs)
        if reason is None:
            allowed.append(update)
            if not update.is_deletion and update.name not in refs:
                refs[update.name] = Ref(name=update.name, target=update.new)  # The next name must go with this one.
        else:
            outcome.refused[update.name] = reason
    if is_atomic and len(allowed) < len(updates):
        _refuse(outcome, allowed, "the atomic push was refused as a whole")
        return []
    return allowed


def _take(
    repository: Repository,
    user: User,
    pushed: Quarantine,
    updates: list[RefUpdate],
    outcome: Outcome,
    limits: Limits,
    *,
    check_cards: bool,
) -> None:
    arrivals = Arrivals(repository, pushed, limits, Deadline(limits.seconds))
    listings = Listings(repository, user, arrivals)
    drafts = Drafts(repository, pushed)
    try:
        commits = {update.name: arrivals.peel(update.new) for update in updates if not update.is_deletion}
        drafts.make(arrivals.new_commits(commits.values()), listings)
        faults = [*listings.faults, *_ref_faults(updates, commits), *_head_faults(drafts, commits, listings)]
        if check_cards:
            faults += _card_faults(repository, drafts, commits, arrivals)
    except _CONTENT_REFUSALS as error:
        faults = [*listings.faults, str(error)]
    if faults:
        outcome.lines += faults
        _refuse(outcome, updates, "refused by the hub's checks")
        return
    try:
        with transaction.atomic():
            moved, said = store(
                repository=repository,
                user=user,
                arrivals=arrivals,
                drafts=drafts,
                contents=listings.contents.values(),
                updates=updates,
                commits=commits,
            )
    except IntegrityError:  # The same commits arrived by another door at this very moment.
        raise Stale([update.name for update in updates]) from None
    except (QuotaExceeded, BeingCollected, LicenceNotAllowed) as error:
        outcome.lines.append(str(error))
        _refuse(outcome, updates, "refused by the hub's checks")
        return
    outcome.moved += moved
    outcome.lines += [*listings.hints, *said]


def _ref_faults(updates: list[RefUpdate], commits: dict[str, str]) -> Iterable[str]:
    """A branch is a commit; a tag object there would be no head that anybody could build on."""
    for update in updates:
        if update.name.startswith(BRANCH) and not update.is_deletion and commits[update.name] != update.new:
            yield f"{update.name} must point to a commit, not to a tag."


def _head_faults(drafts: Drafts, commits: dict[str, str], listings: Listings) -> Iterable[str]:
    before = len(listings.faults)
    for oid in set(commits.values()):
        if oid in drafts:
            listings.check_whole(drafts.listing(oid)[1])
    return listings.faults[before:]


def _card_faults(repository: Repository, drafts: Drafts, commits: dict[str, str], arrivals: Arrivals) -> Iterable[str]:
    for name, oid in commits.items():
        if not name.startswith(BRANCH) or oid not in drafts:
            continue
        entry = drafts.listing(oid)[1].files.get(CARD)
        # A card that is here already is nobody's fault of today.
        if entry is None or entry.is_large or entry.size > MAX_CARD_BYTES or entry.oid not in arrivals.pushed:
            continue
        try:
            read_card(arrivals.get(entry.oid, BLOB).decode("utf-8", "replace"))
        except CardFault as fault:
            yield f"{CARD} on {name.removeprefix(BRANCH)}: its front matter is not valid. {fault}"


def _refuse(outcome: Outcome, updates: Iterable[RefUpdate], reason: str) -> None:
    for update in updates:
        outcome.refused.setdefault(update.name, reason)
