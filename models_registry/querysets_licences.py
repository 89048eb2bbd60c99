"""Reads of what is known of licences over time."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q

from models_registry.licences import CLASSES
from models_registry.licences.expressions import spelling

if TYPE_CHECKING:
    from accounts.models import User
    from models_registry.models import LicenceChange  # noqa: F401 - the base class names it in quotes.


NONE = "none"  # What declares nothing, where a class or an id is asked for.


def under_licence(value: str) -> Q:
    """The condition that every list of repositories asks: one class of licences, or one licence by any spelling.

    A repository that offers a choice, or whose parts have several, is found under each.
    """
    from models_registry.models import RepositoryLicence

    if value.lower() in CLASSES:
        return Q(licence_class=value.lower())
    if value.lower() == NONE:
        return Q(licence="")
    name = spelling(value.replace("\x00", "")[:200]).lower()
    return Q(Exists(RepositoryLicence.objects.filter(repository=OuterRef("pk"), name=name)))


def same_licence(value: str) -> Q:
    """The same for rows that keep a licence's text and class of their own, as the standings of measured commits do."""
    if value.lower() in CLASSES:
        return Q(licence_class=value.lower())
    if value.lower() == NONE:
        return Q(licence="")
    name = spelling(value.replace("\x00", "")[:200]).lower()
    return Q(licence_names__contains=f"|{name}|")


class LicenceChangeQuerySet(models.QuerySet["LicenceChange"]):
    def of_interest_to(self, user: "User") -> "LicenceChangeQuerySet":
        """Changes in what she can see of those she follows, and in what she likes."""
        from models_registry.models import Repository

        chosen = Q(namespace__followers__follower=user) | Q(like_rows__user=user)
        wanted = Repository.objects.visible_to(user).filter(chosen)
        return self.filter(repository__in=wanted.values("pk")).select_related("repository__namespace")
