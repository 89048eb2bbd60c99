"""Reads of what is known of licences over time."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User
    from models_registry.models import LicenceChange  # noqa: F401 - the base class names it in quotes.


class LicenceChangeQuerySet(models.QuerySet["LicenceChange"]):
    def of_interest_to(self, user: "User") -> "LicenceChangeQuerySet":
        """Changes in what she can see of those she follows, and in what she likes."""
        from models_registry.models import Repository

        chosen = Q(namespace__followers__follower=user) | Q(like_rows__user=user)
        wanted = Repository.objects.visible_to(user).filter(chosen)
        return self.filter(repository__in=wanted.values("pk")).select_related("repository__namespace")
