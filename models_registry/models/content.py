"""Large content: whole files by SHA-256, the chunks that they are made of, and who may see them.

Bytes are shared by all repositories; what a repository may read is decided by its link rows alone. A row is written
only after the bytes that it speaks of are durable: bytes without a row are left-overs, a row without bytes is damage.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from models_registry.querysets import RepositoryContentQuerySet


class Xorb(models.Model):
    """A pack of chunks, stored once as one blob. The first body that arrived is kept; later ones hold the same."""

    hash = models.CharField(max_length=64, unique=True, help_text="Root of the chunks' hash tree, in Xet's spelling.")
    blob = models.CharField(
        max_length=64, db_index=True, help_text="BLAKE3 of the packed body: its key in the blob store."
    )
    stored_bytes = models.PositiveBigIntegerField(help_text="Length of the packed body.")
    raw_bytes = models.PositiveBigIntegerField(help_text="Length of all chunks unpacked.")
    chunk_count = models.PositiveIntegerField()
    chunk_table = models.BinaryField(help_text="Per chunk: hash, ends in the body and unpacked. See storage.table.")
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), help_text="When somebody last brought or used it."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(chunk_count__gte=1), name="xorb_not_empty")]

    def __str__(self) -> str:
        return self.hash[:12]


class Chunk(models.Model):
    """Where a chunk can be found, for deduplication.

    Only some chunks have a row: the first of each xorb and file, and every sixteenth by hash. Whoever finds one reads
    its neighbours from the xorb's table, so the index stays a small part of what an index of all chunks would be.
    """

    prefix = models.BigIntegerField(help_text="First 8 bytes of the hash, signed and little-endian.")
    xorb = models.ForeignKey(Xorb, on_delete=models.CASCADE, related_name="chunks")
    index = models.PositiveIntegerField(help_text="Position in the xorb.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prefix", "xorb", "index"], name="chunk_unique")]

    def __str__(self) -> str:
        return f"chunk {self.index} of {self.xorb_id}"


class Content(models.Model):
    """A whole file, by the SHA-256 that the server computed itself."""

    sha256 = models.CharField(max_length=64, unique=True)
    xet_hash = models.CharField(max_length=64, help_text="The file's hash as it was chunked by who brought it first.")
    size_bytes = models.PositiveBigIntegerField()
    terms = models.BinaryField(help_text="The file in order, packed. See storage.terms.")
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), help_text="When it was last linked to a repository."
    )

    def __str__(self) -> str:
        return self.sha256[:12]


class RepositoryContent(models.Model):
    """This repository may read this content: its bytes were delivered here, or came from a readable repository.

    Hash and terms are those by which it came here, for answers to this repository's readers. Those of the content may
    be another uploader's, who packed the same bytes otherwise, and would tell that somebody else has this file.
    """

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="content_links")
    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="links")
    xet_hash = models.CharField(max_length=64)
    terms = models.BinaryField(help_text="The file in order, packed. See storage.terms.")
    created_at = models.DateTimeField(auto_now_add=True)
    path = models.CharField(max_length=1024, blank=True, db_default="", help_text="Where it was first committed.")
    ref = models.CharField(max_length=255, blank=True, db_default="", help_text="The ref it was first committed to.")
    touched_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), help_text="When it was last uploaded or committed here."
    )
    held = models.TextField(blank=True, db_default="", help_text="Why a scan holds it back wherever it lies here.")

    objects = RepositoryContentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "content"], name="repository_content_unique")]
        indexes = [models.Index(fields=["repository", "xet_hash"], name="content_by_xet_hash")]

    def __str__(self) -> str:
        return f"{self.content} in {self.repository_id}"

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Through the queryset, which counts."""
        return type(self).objects.filter(pk=self.pk).delete()


class ErasedContent(models.Model):
    """Content that was taken out of this repository for good. Old commits may still name it; nobody gets it."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="erasures")
    sha256 = models.CharField(max_length=64)
    erased_at = models.DateTimeField(auto_now_add=True)
    erased_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "sha256"], name="erased_content_unique")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} erased from {self.repository_id}"


class RepositoryXorb(models.Model):
    """This xorb was delivered to this repository, so files uploaded by its readers may refer to its chunks."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="xorb_links")
    xorb = models.ForeignKey(Xorb, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "xorb"], name="repository_xorb_unique")]

    def __str__(self) -> str:
        return f"{self.xorb} in {self.repository_id}"


class PartialUpload(models.Model):
    """A large file that arrives in parts. Seen by nobody until all are here and hash to what was announced."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, help_text="As announced.")
    size_bytes = models.PositiveBigIntegerField()
    part_bytes = models.PositiveBigIntegerField(help_text="Of each part but the last.")
    touched_at = models.DateTimeField(db_index=True, help_text="When a part last arrived.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "user", "sha256", "size_bytes"], name="partial_upload_unique")
        ]

    def __str__(self) -> str:
        return f"parts of {self.sha256[:12]}"


class UploadPart(models.Model):
    """One part, as a blob of the store. The last body that arrived under a number counts."""

    upload = models.ForeignKey(PartialUpload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField(help_text="Counts from 1.")
    blob = models.CharField(max_length=64, help_text="BLAKE3 of the part: its key in the blob store.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="upload_part_unique")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"
