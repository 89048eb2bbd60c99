"""Likes and collections: what people say of repositories by pointing at them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.text import slugify

from models_registry.models.repositories import Repository, new_public_id
from models_registry.querysets_social import CollectionItemQuerySet, CollectionQuerySet, LikeQuerySet

THEMES = ("orange", "blue", "green", "purple", "pink", "indigo")  # The names that clients of the wire know.
MAX_SLUG = 80


class Like(models.Model):
    """One person likes one repository. `Repository.likes` counts these in the same transaction."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="like_rows")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LikeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "user"], name="like_unique")]
        indexes = [models.Index(F("user"), F("id").desc(), name="like_by_user")]

    def __str__(self) -> str:
        return f"{self.user} likes {self.repository}"


class Collection(models.Model):
    """Repositories that somebody put together, in an order, with notes."""

    namespace = models.ForeignKey("accounts.Namespace", on_delete=models.CASCADE, related_name="collections")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    title = models.CharField(max_length=120)
    key = models.CharField(max_length=240, help_text="The title in lower case: one of each in a namespace.")
    description = models.CharField(max_length=500, blank=True)
    is_private = models.BooleanField(default=False)
    theme = models.CharField(max_length=8, choices=[(theme, theme) for theme in THEMES], default="orange")
    position = models.PositiveIntegerField(default=0, help_text="Among the collections of the namespace.")
    upvotes = models.PositiveIntegerField(default=0)
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["namespace", "key"], name="collection_title_unique"),
            models.CheckConstraint(condition=Q(theme__in=THEMES), name="collection_theme_known"),
        ]
        indexes = [
            models.Index(F("updated_at").desc(), F("id").desc(), name="collection_by_update"),
            models.Index(F("upvotes").desc(), F("id").desc(), name="collection_by_upvotes"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def short_slug(self) -> str:
        """The title made into an address, ended by the id: the id finds it, whatever the title is now."""
        words = slugify(self.title)[:MAX_SLUG].strip("-")
        return f"{words or 'collection'}-{self.public_id}"

    @property
    def slug(self) -> str:
        return f"{self.namespace.name}/{self.short_slug}"


class CollectionItem(models.Model):
    """A repository, or another collection, at one place of a collection."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(Repository, null=True, on_delete=models.CASCADE, related_name="collection_items")
    nested = models.ForeignKey(Collection, null=True, on_delete=models.CASCADE, related_name="within")
    position = models.PositiveIntegerField(help_text="Counts 0, 1, 2, … within the collection.")
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CollectionItemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "repository"], name="collection_repository_once"),
            models.UniqueConstraint(fields=["collection", "nested"], name="collection_nested_once"),
            models.CheckConstraint(
                condition=Q(repository__isnull=True, nested__isnull=False)
                | Q(repository__isnull=False, nested__isnull=True),
                name="collection_item_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository or self.nested} in {self.collection}"


class CollectionUpvote(models.Model):
    """One person finds one collection useful. `Collection.upvotes` counts these in the same transaction."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="upvote_rows")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collection_upvotes")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "user"], name="collection_upvote_unique")]

    def __str__(self) -> str:
        return f"{self.user} for {self.collection}"
