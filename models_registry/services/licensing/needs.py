"""What stands between a person and the files of a repository: its own terms, and those of what it was made from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import Organisation, User
from models_registry import licences
from models_registry.inherited import demands_acceptance, parents_of
from models_registry.models import AccessRequest, AccessState, Repository


@dataclass(frozen=True)
class Need:
    """One set of terms.

    Attributes:
        repository: whose gate it is.
        is_own: of the repository that was asked about; else of one that it was made from.
        is_open: whether this gate lets the person in.
        asked: her own request there, unless she took it back.
        through: the organisation that accepted for her.
    """

    repository: Repository
    is_own: bool
    is_open: bool
    asked: AccessRequest | None = None
    through: Organisation | None = None

    @property
    def is_renewal(self) -> bool:
        """Whether she was accepted, and has to accept changed terms by some day."""
        return self.asked is not None and self.asked.state == AccessState.ACCEPTED and self.asked.renew_by is not None


def sources_of(repository: Repository) -> list[Repository]:
    """Whose terms its files need beside its own. They are public, or would not pass anything on."""
    if not repository.inherited_gate:
        return []
    found = Repository.objects.filter(heirs__child=repository).select_related("namespace")
    return list(found.order_by("key"))


def needs_of(
    repository: Repository, user: User | AnonymousUser, *, sources: Sequence[Repository] | None = None
) -> list[Need]:
    """All terms that its files need, its own first, and how each stands with this person. Four queries at most.

    Args:
        sources: what `sources_of` says, where that is known already.
    """
    sources = list(sources_of(repository) if sources is None else sources)
    gates = [repository, *sources] if repository.has_gate else sources
    if not gates or not user.is_authenticated:
        return [Need(each, is_own=each is repository, is_open=False) for each in gates]
    keys = [each.pk for each in gates]
    own = AccessRequest.objects.filter(user=user, organisation=None, repository__in=keys)
    asked = {row.repository_id: row for row in own.exclude(state=AccessState.WITHDRAWN)}
    opening = AccessRequest.objects.opening(user).filter(repository__in=keys).select_related("organisation")
    through = {row.repository_id: row.organisation for row in opening.order_by("-organisation_id")}
    organisations = user.memberships.values("organisation_id")
    held = Q(namespace__user=user) | Q(namespace__organisation__in=organisations)
    mine = set(Repository.objects.filter(held, pk__in=keys).values_list("pk", flat=True))
    return [
        Need(
            each,
            is_own=each is repository,
            is_open=user.is_superuser or each.pk in mine or each.pk in through,
            asked=asked.get(each.pk),
            through=through.get(each.pk),
        )
        for each in gates
    ]


def licences_to_accept(repository: Repository) -> list[licences.Record]:
    """Licences that demand acceptance, of a repository without a gate or of what it was made from; for its owner."""
    if repository.is_gated or repository.is_private:
        return []
    above = parents_of([repository.pk]).get(repository.pk)
    texts = [repository.licence]
    if above:
        texts += Repository.objects.filter(pk__in=above).order_by("key").values_list("licence", flat=True)
    return _records(texts)


def _records(texts: Iterable[str]) -> list[licences.Record]:
    names = {name: None for text in texts if demands_acceptance(text) for name in sorted(licences.parse(text).ids)}
    found = (licences.find(name) for name in names)
    return [record for record in found if record is not None and record.requires_acceptance]
