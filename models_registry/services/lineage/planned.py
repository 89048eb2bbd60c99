"""What somebody is about to publish: names of what it was made from, and the graph that they lead to."""

import re

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from models_registry import lineage
from models_registry.licences.lineage import Lineage
from models_registry.lineage.cards import card_claims
from models_registry.lineage.claims import parent_name
from models_registry.models import Kind
from models_registry.services.lineage.building import links_of
from models_registry.services.lineage.tracing import lineage_of, trace_planned

MAX_BASES = 20
_BETWEEN = re.compile(r"[\s,;]+")


class BadBase(ValueError):
    """A word that can be no name of a model or data set, or more names than are taken."""


def names_in(text: str) -> list[str]:
    """The names in what somebody typed or a card lists: `ada/base, bob/other`.

    Raises:
        BadBase
    """
    words = [word for word in _BETWEEN.split(text) if word]
    found = []
    for word in words[: MAX_BASES + 1]:
        name = parent_name(word, bare=False)
        if name is None:
            raise BadBase(word[:60])
        found.append(name[1])
    if len(words) > MAX_BASES:
        raise BadBase(words[MAX_BASES][:60])
    return list(dict.fromkeys(found))


def base_key(kind: str) -> str:
    """The key of a card that names what it was made from."""
    return "source_datasets" if kind == Kind.DATASET else "base_model"


def planned(kind: Kind, names: list[str], viewer: User | AnonymousUser) -> Lineage | None:
    """The graph of something whose card would name these; None for none. What is hidden is as if it were not here."""
    if not names or kind == Kind.APP:
        return None
    claims = card_claims({base_key(kind): names[:MAX_BASES]}, kind=kind)
    return lineage_of(trace_planned(kind, links_of(lineage.merged(claims, own_kind=kind)), viewer))
