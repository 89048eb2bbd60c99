"""Large content: whole files by SHA-256, the chunks that they are made of, and who may see them.

Bytes are shared by all repositories; what a repository may read is decided by its link rows alone.
"""

from django.db import models
from django.db.models import Q


class Xorb(models.Model):
    """A pack of compressed chunks, stored once as one blob under its own hash."""

    hash = models.CharField(max_length=64, unique=True, help_text="Root of the chunks' hash tree, in Xet's spelling.")
    stored_bytes = models.PositiveBigIntegerField(help_text="Length of the packed body.")
    raw_bytes = models.PositiveBigIntegerField(help_text="Length of all chunks unpacked.")
    chunk_count = models.PositiveIntegerField()
    chunk_table = models.BinaryField(help_text="Per chunk: hash, offset in the body, raw length. See storage.xorb.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(chunk_count__gte=1), name="xorb_not_empty")]

    def __str__(self) -> str:
        return self.hash[:12]


class Chunk(models.Model):
    """Where a chunk can be found, for deduplication."""

    hash = models.CharField(max_length=64)
    xorb = models.ForeignKey(Xorb, on_delete=models.CASCADE, related_name="chunks")
    index = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hash", "xorb", "index"], name="chunk_unique")]

    def __str__(self) -> str:
        return self.hash[:12]


class Content(models.Model):
    """A whole file, by the SHA-256 that the server computed itself."""

    sha256 = models.CharField(max_length=64, unique=True)
    xet_hash = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    terms = models.JSONField(help_text="The file in order: [xorb hash, first chunk, end chunk, raw bytes] each.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class RepositoryContent(models.Model):
    """This repository may read this content: its bytes were delivered here, or came from a readable repository."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="content_links")
    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "content"], name="repository_content_unique")]

    def __str__(self) -> str:
        return f"{self.content} in {self.repository_id}"


class RepositoryXorb(models.Model):
    """This xorb was delivered to this repository, so files uploaded here may refer to its chunks."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="xorb_links")
    xorb = models.ForeignKey(Xorb, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "xorb"], name="repository_xorb_unique")]

    def __str__(self) -> str:
        return f"{self.xorb} in {self.repository_id}"
