"""Discussions and pull requests: one kind of thread, numbered together in each repository."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from models_registry.models.repositories import Repository, new_public_id
from models_registry.querysets import DiscussionQuerySet, MentionQuerySet


class DiscussionStatus(models.TextChoices):
    """Where a thread stands. Drafts are open pull requests that nobody should merge yet."""

    DRAFT = "draft", "Draft"
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"
    MERGED = "merged", "Merged"


class DiscussionCounter(models.Model):
    """The last number given in a repository. A row of its own, so that numbering waits for nothing else."""

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="discussion_counter")
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.last} in {self.repository_id}"


class Discussion(models.Model):
    """A thread. As a pull request it also has a ref, `refs/pr/<number>`, and a branch that it wants to go to."""

    Status = DiscussionStatus

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="discussions")
    number = models.PositiveIntegerField()
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    title = models.CharField(max_length=200)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    writer_name = models.CharField(max_length=100, blank=True, help_text="Who opened it, if that was at another hub.")
    status = models.CharField(max_length=8, choices=DiscussionStatus.choices, default=DiscussionStatus.OPEN)
    is_pull_request = models.BooleanField(default=False)
    is_pinned = models.BooleanField(default=False)
    is_locked = models.BooleanField(default=False, help_text="Only writers may add to it.")
    base = models.CharField(max_length=255, blank=True, help_text="Full ref that a pull request is merged into.")
    merge_commit = models.CharField(max_length=40, blank=True)
    comment_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True, help_text="When something was last added.")

    objects = DiscussionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="discussion_number_unique"),
            models.CheckConstraint(condition=Q(status__in=DiscussionStatus.values), name="discussion_status_known"),
            models.CheckConstraint(
                condition=Q(is_pull_request=True) | ~Q(status__in=["draft", "merged"]), name="discussion_status_fits"
            ),
        ]
        indexes = [models.Index(F("repository"), F("status"), F("id").desc(), name="discussion_by_status")]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"

    @property
    def ref(self) -> str:
        """The full name of a pull request's ref; "" for a discussion."""
        return f"refs/pr/{self.number}" if self.is_pull_request else ""

    @property
    def is_open(self) -> bool:
        return self.status in {DiscussionStatus.OPEN, DiscussionStatus.DRAFT}

    @property
    def base_name(self) -> str:
        return self.base.removeprefix("refs/heads/")


class EventKind(models.TextChoices):
    """What happened in a thread, in the wire's words."""

    COMMENT = "comment", "Comment"
    STATUS = "status-change", "Status change"
    COMMIT = "commit", "Commit"
    TITLE = "title-change", "Title change"
    REFERENCE = "reference", "Reference"
    PINNING = "pinning-change", "Pinning change"
    LOCKING = "locking-change", "Locking change"


class DiscussionEvent(models.Model):
    """One thing that happened in a thread. Comments carry text, everything else its facts in `data`."""

    Kind = EventKind

    discussion = models.ForeignKey(Discussion, on_delete=models.CASCADE, related_name="events")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    kind = models.CharField(max_length=16, choices=EventKind.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    writer_name = models.CharField(max_length=100, blank=True, help_text="Whose it is, if it happened at another hub.")
    elsewhere = models.CharField(max_length=64, blank=True, help_text="Its id at that hub.")
    created_at = models.DateTimeField(auto_now_add=True)
    data = models.JSONField(default=dict)
    text = models.TextField(blank=True)
    edited_at = models.DateTimeField(null=True)
    hidden_at = models.DateTimeField(null=True)
    hidden_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="event_kind_known"),
            models.UniqueConstraint(
                fields=["discussion", "elsewhere"], condition=~Q(elsewhere=""), name="event_elsewhere_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def is_hidden(self) -> bool:
        return self.hidden_at is not None


class CommentVersion(models.Model):
    """What a comment said before an edit."""

    event = models.ForeignKey(DiscussionEvent, on_delete=models.CASCADE, related_name="versions")
    text = models.TextField(blank=True)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.event_id} of {self.written_at:%Y-%m-%d}"


class ReactionKind(models.TextChoices):
    """A short list, each a word."""

    AGREE = "agree", "agree"
    THANKS = "thanks", "thanks"
    WORKS = "works", "works for me"
    UNSURE = "unsure", "unsure"
    DISAGREE = "disagree", "disagree"


class Reaction(models.Model):
    """One person's word on one comment."""

    event = models.ForeignKey(DiscussionEvent, on_delete=models.CASCADE, related_name="reactions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=ReactionKind.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "user"], name="reaction_one_each")]

    def __str__(self) -> str:
        return self.kind


class Mention(models.Model):
    """A comment names a person."""

    event = models.ForeignKey(DiscussionEvent, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MentionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["event", "user"], name="mention_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.event_id}"


class ActionCount(models.Model):
    """How much of something a person did in the current window, for limits that hold over all processes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    amount = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "action"], name="action_count_unique")]

    def __str__(self) -> str:
        return f"{self.action}: {self.amount}"


def new_attachment_id() -> str:
    """32 hex digits that nobody guesses."""
    return secrets.token_hex(16)


class Attachment(models.Model):
    """A picture for comments, small enough for a row. Its sender sees it, and who may read a thread that shows it."""

    public_id = models.CharField(max_length=32, unique=True, default=new_attachment_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    media_type = models.CharField(max_length=20)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    discussions = models.ManyToManyField(Discussion, related_name="attachments")

    def __str__(self) -> str:
        return self.public_id
