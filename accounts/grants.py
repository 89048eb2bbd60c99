"""What a fine-grained token lets its holder do, place by place. Pure: no rows, no request.

A token never gives more than its owner has; grants only narrow. Public things stay readable to every token, as they
are to everybody.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Right(enum.StrEnum):
    """One thing that a token may be trusted with, in the order that the form shows."""

    READ = "read"  # see private repositories and read their contents
    WRITE = "write"  # commits, branches, tags, new repositories; in one's own name also likes and collections
    ADMINISTER = "administer"  # settings, visibility, deletion
    DISCUSS = "discuss"  # open discussions and pull requests, comment
    WEBHOOKS = "webhooks"  # read and change webhooks
    GATED = "gated"  # read contents of gated repositories that let the owner in


# Rights that make sense everywhere at once, for public repositories of others.
EVERYWHERE = frozenset({Right.DISCUSS, Right.GATED})
# What a right cannot do without.
_IMPLIES = {Right.WRITE: {Right.READ}, Right.ADMINISTER: {Right.READ, Right.WRITE}}


@dataclass(frozen=True)
class Grant:
    """Some rights in one place.

    Attributes:
        namespace: the row's id: all repositories of a namespace, those to come as well.
        repository: the public id of one repository, which it keeps through renames.
        label: how the place was called when the token was made, for lists.
    """

    rights: frozenset[Right]
    namespace: int | None = None
    repository: str = ""
    label: str = ""

    @property
    def is_everywhere(self) -> bool:
        return self.namespace is None and not self.repository

    def as_json(self) -> dict[str, Any]:
        return {
            "namespace": self.namespace,
            "repository": self.repository,
            "label": self.label,
            "rights": sorted(right.value for right in self.rights),
        }


@dataclass(frozen=True)
class Grants:
    """All that one token was given."""

    all: tuple[Grant, ...] = ()

    def allow(self, right: Right, *, namespace: int | None, repository: str = "") -> bool:
        """Does any grant give this right here?"""
        return any(
            right in grant.rights and (grant.is_everywhere or _covers(grant, namespace, repository))
            for grant in self.all
        )

    def namespaces(self, right: Right) -> list[int]:
        """Ids of the namespaces in which this right is given."""
        return [grant.namespace for grant in self.all if grant.namespace is not None and right in grant.rights]

    def repositories(self, right: Right) -> list[str]:
        """Public ids of the single repositories for which this right is given."""
        return [grant.repository for grant in self.all if grant.repository and right in grant.rights]

    def as_json(self) -> list[dict[str, Any]]:
        return [grant.as_json() for grant in self.all]


def grant(
    rights: Sequence[str | Right], *, namespace: int | None = None, repository: str = "", label: str = ""
) -> Grant:
    """A grant with all that its rights cannot do without.

    Raises:
        ValueError: no right, an unknown one, or one that cannot be given everywhere.
    """
    named = {Right(right) for right in rights}
    complete = named.union(*(_IMPLIES.get(right, set()) for right in named))
    if not complete:
        raise ValueError("A grant needs at least one right.")
    if namespace is None and not repository and not complete <= EVERYWHERE:
        raise ValueError("This right needs a place.")
    return Grant(frozenset(complete), namespace, repository, label)


def from_json(value: Sequence[Mapping[str, Any]]) -> Grants:
    """Read what `Grants.as_json` wrote."""
    return Grants(
        tuple(
            Grant(frozenset(Right(right) for right in row["rights"]), row["namespace"], row["repository"], row["label"])
            for row in value
        )
    )


def _covers(grant: Grant, namespace: int | None, repository: str) -> bool:
    if grant.repository:
        return grant.repository == repository
    return grant.namespace is not None and grant.namespace == namespace
