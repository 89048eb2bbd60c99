"""Which licences an organisation lets in: asked at every door when something is published there or pulled for it.

Uploads: what is published in the organisation's namespace, by commit, push, merge, import, duplicate or transfer.
Pulls: what a fine-grained token downloads that has a right in the organisation's namespace or in a repository of it.
Such a token acts for the organisation, whoever holds it; a token without places acts for its holder alone. What lies
in the organisation's own namespace may always be pulled: it was let in, or is its own.
"""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import Namespace, User
from models_registry.exceptions import LicenceNotAllowed
from models_registry.licences import licence_class
from models_registry.licences.choices import choices_of
from models_registry.models import LicenceAllowance, Repository

UPLOAD, PULL = "upload", "pull"
_ENDINGS = ("-only", "-or-later")


def is_within(licence: str, allowed: Collection[str]) -> bool:
    """Does a list of classes and ids let a licence in? One choice is enough, but of that every licence must be allowed.

    What declares nothing is of the class `unknown`.
    """
    wanted = {_plain(entry) for entry in allowed}
    choices = choices_of(licence) or [{"": licence_class("")}]
    return any(all(_plain(name) in wanted or kind in wanted for name, kind in choice.items()) for choice in choices)


def require_upload(*, namespace: Namespace, name: str, licence: str) -> None:
    """Let a licence into a namespace. Nothing declared yet passes: it is a draft, and not published.

    Raises:
        LicenceNotAllowed
    """
    rule = LicenceAllowance.objects.filter(namespace=namespace, for_uploads=True).first()
    if rule is not None and licence and rule.allowed and not is_within(licence, rule.allowed):
        raise _refusal(UPLOAD, name, licence, namespace.name, rule.allowed)


def require_pull(user: User | AnonymousUser, repository: Repository, licence: str | None = None) -> None:
    """Let a token that acts for an organisation have the files of a repository.

    Args:
        licence: of the commit that is asked for, where it is known; else what the repository declares now.

    Raises:
        LicenceNotAllowed
    """
    declared = repository.licence if licence is None else licence
    for rule in rules_of_token(user).exclude(namespace_id=repository.namespace_id).select_related("namespace"):
        if rule.allowed and not is_within(declared, rule.allowed):
            raise _refusal(PULL, repository.full_name, declared, rule.namespace.name, rule.allowed)


def rules_of_token(user: User | AnonymousUser) -> QuerySet[LicenceAllowance]:
    """The lists of the organisations that this token acts for."""
    grants = user.grants.all if user.is_authenticated and user.grants is not None else ()
    places = {grant.namespace for grant in grants if grant.namespace is not None}
    repositories = {grant.repository for grant in grants if grant.repository}
    if not places and not repositories:
        return LicenceAllowance.objects.none()
    here = Q(namespace_id__in=places) | Q(
        namespace__in=Repository.objects.filter(public_id__in=repositories).values("namespace")
    )
    member = Q(namespace__organisation__memberships__user=user)
    return LicenceAllowance.objects.filter(here, member, for_pulls=True)


def _refusal(way: str, name: str, licence: str, organisation: str, allowed: Collection[str]) -> LicenceNotAllowed:
    return LicenceNotAllowed(
        name=name,
        licence=licence or "no licence",
        licence_class=licence_class(licence),
        organisation=organisation,
        allowed=", ".join(allowed),
        rule=way,
    )


def _plain(name: str) -> str:
    """One spelling: small letters, without the ending that newer ids of GNU licences have."""
    name = name.strip().lower()
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name
