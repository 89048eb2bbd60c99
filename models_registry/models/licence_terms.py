"""Which licence each commit declares, when that changed, and what a namespace allows its members."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from models_registry.models.repositories import Commit, Repository
from models_registry.querysets_licences import LicenceChangeQuerySet

MAX_LICENCE = 200


class RepositoryLicence(models.Model):
    """One licence that a repository's declaration names, for filters; rewritten with the head, never edited."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="licence_rows")
    name = models.CharField(max_length=MAX_LICENCE, help_text="Its id in small letters, as the records spell it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "repository"], name="repository_licence_unique")]

    def __str__(self) -> str:
        return self.name


class CommitLicence(models.Model):
    """What the card of a commit declares. A commit never changes, so neither does this: kept to be read in lists."""

    commit = models.OneToOneField(Commit, on_delete=models.CASCADE, related_name="declared_licence")
    licence = models.CharField(max_length=MAX_LICENCE, blank=True, help_text="As the card has it; empty: none.")

    def __str__(self) -> str:
        return self.licence or "none"


class LicenceChange(models.Model):
    """The default branch went from one licence to another. Written once, with the commit that did it."""

    class Way(models.TextChoices):
        """What the change means for those who use it."""

        FREER = "freer", "Freer"
        STRICTER = "stricter", "Stricter"
        OTHER = "other", "Neither freer nor stricter"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="licence_changes")
    commit = models.CharField(max_length=40)
    old = models.CharField(max_length=MAX_LICENCE, blank=True)
    new = models.CharField(max_length=MAX_LICENCE, blank=True)
    way = models.CharField(max_length=8, choices=Way.choices)
    at = models.DateTimeField(auto_now_add=True)

    objects = LicenceChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(old=F("new")), name="licence_change_changes"),
            models.CheckConstraint(
                condition=Q(way__in=["freer", "stricter", "other"]), name="licence_change_way_known"
            ),
        ]
        indexes = [models.Index(F("at").desc(), F("id").desc(), name="licence_change_by_time")]

    def __str__(self) -> str:
        return f"{self.old or 'none'} to {self.new or 'none'}"


class LicenceAllowance(models.Model):
    """Which licences an organisation lets in. Without a row, or with an empty list, all are."""

    namespace = models.OneToOneField(
        "accounts.Namespace", on_delete=models.CASCADE, related_name="licence_allowance", primary_key=True
    )
    allowed = models.JSONField(default=list, help_text="Classes and ids of licences.")
    for_uploads = models.BooleanField(default=True, help_text="Holds for what is published in the namespace.")
    for_pulls = models.BooleanField(default=True, help_text="Holds for what tokens of the namespace pull.")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return ", ".join(self.allowed) or "everything"
