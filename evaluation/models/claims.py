"""What authors say of their models' scores."""

from django.db import models


class Claim(models.Model):
    """One number that was typed in, at one commit. Never measured, never in a verdict, shown apart from what is."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="claims")
    commit = models.ForeignKey("models_registry.Commit", on_delete=models.CASCADE, related_name="claims")
    source = models.CharField(max_length=300, help_text="model-index, or the path of the file.")
    task = models.CharField(max_length=300, blank=True)
    dataset = models.CharField(max_length=300, blank=True)
    dataset_name = models.CharField(max_length=300, blank=True)
    config = models.CharField(max_length=300, blank=True)
    split = models.CharField(max_length=300, blank=True)
    revision = models.CharField(max_length=300, blank=True)
    metric = models.CharField(max_length=300, blank=True)
    value = models.FloatField(null=True)
    text = models.CharField(max_length=300, help_text="The value as it was written.")
    scale = models.CharField(
        max_length=8, blank=True, help_text="fraction, percent or native; empty where nothing says."
    )
    said_by = models.CharField(max_length=300, blank=True)
    url = models.CharField(max_length=300, blank=True)
    notes = models.CharField(max_length=300, blank=True)
    args = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.metric} {self.text} on {self.dataset}"
