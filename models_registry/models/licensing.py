"""What a namespace wants of licences, what follows for each repository, and what each gate says of a release."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Namespace
from models_registry.models.releases import MAX_REASON, Release, ReleaseGate
from models_registry.models.repositories import Repository


class LicencePolicy(models.Model):
    """What happens in a namespace where licences contradict each other. Without a row: `inform`."""

    class Mode(models.TextChoices):
        INFORM = "inform", "Say it on the licence page"
        WARN = "warn", "Warn on the page and at releases"
        BLOCK = "block", "Hold releases back"

    namespace = models.OneToOneField(Namespace, on_delete=models.CASCADE, related_name="licence_policy")
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.INFORM)
    holds_unknown = models.BooleanField(default=False, help_text="What cannot be told counts as a conflict.")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=("inform", "warn", "block")), name="licence_policy_mode_known"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace_id} {self.mode}"


class LicenceKnowledge(models.Model):
    """How far the rows that are derived from records of licences follow those of this release. One row."""

    digest = models.CharField(max_length=64, help_text="Names what is known: `services.licensing.knowledge`.")
    reached = models.PositiveBigIntegerField(default=0, help_text="Repositories up to this row number follow it.")
    is_done = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="licence_knowledge_once")]

    def __str__(self) -> str:
        return self.digest[:12]


class LicenceJudgement(models.Model):
    """What the engine said of a repository's head when it last looked. `marks` counts what has changed since."""

    class Verdict(models.TextChoices):
        OK = "ok", "Nothing to do"
        OBLIGATIONS = "obligations", "Duties to carry on"
        UNKNOWN = "unknown", "Not all is known"
        CONFLICT = "conflict", "Licences contradict each other"

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="licence_judgement")
    verdict = models.CharField(max_length=12, choices=Verdict.choices, blank=True, help_text='"" until it is judged.')
    commit = models.CharField(max_length=40, blank=True, help_text="The head that was judged.")
    conflicts = models.PositiveSmallIntegerField(default=0)
    obligations = models.PositiveSmallIntegerField(default=0)
    unknowns = models.PositiveSmallIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the lineage that was judged.")
    marks = models.PositiveIntegerField(default=1)
    judged_marks = models.PositiveIntegerField(default=0)
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["repository"], condition=~Q(marks=F("judged_marks")), name="licence_judgement_to_do"),
            models.Index(fields=["judged_at"], name="licence_judgement_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} {self.verdict or 'not judged'}"


class GateOpinion(models.Model):
    """What one of those who watch a release says of it. `Release.gate` is the worst that nobody has overridden."""

    class Source(models.TextChoices):
        MEASURED = "measured", "What was measured"
        LICENCE = "licence", "Licences"

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="opinions")
    source = models.CharField(max_length=8, choices=Source.choices)
    gate = models.CharField(max_length=8, choices=ReleaseGate.choices)
    reason = models.CharField(max_length=MAX_REASON, blank=True)
    is_overridden = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "source"], name="gate_opinion_once_a_source"),
            models.CheckConstraint(condition=Q(gate__in=ReleaseGate.values), name="gate_opinion_known"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.gate}"
