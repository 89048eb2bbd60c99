"""Git objects as rows, so that objects, refs and all that hangs on them commit together."""

from django.db import models


class GitObject(models.Model):
    """A commit, tree, small blob or tag object of one repository, under its real SHA-1.

    Kept per repository and never shared: who may read a repository may read its objects, and nobody else.
    """

    class Type(models.IntegerChoices):
        """Git's own numbers of the object types."""

        COMMIT = 1
        TREE = 2
        BLOB = 3
        TAG = 4

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="git_objects")
    oid = models.CharField(max_length=40)
    type = models.PositiveSmallIntegerField(choices=Type.choices)
    body = models.BinaryField(help_text="The object's content without Git's header.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "oid"], name="git_object_unique")]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.oid[:7]}"


class HeldObject(models.Model):
    """A small file that the scan holds back, by its id: Git asks for objects, not for paths."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="held_objects")
    oid = models.CharField(max_length=40)
    path = models.CharField(max_length=1024, help_text="Where it lies, or lay when it was scanned.")
    reason = models.TextField(help_text="For people.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "oid"], name="held_object_unique")]

    def __str__(self) -> str:
        return f"{self.path} in {self.oid[:7]}"
