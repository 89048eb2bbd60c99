"""What the files of a commit say of licences: LICENSE and the like, REUSE, and the headers of weights."""

from django.db import models

from models_registry.models.repositories import Commit


class LicenceReading(models.Model):
    """The licence files of one commit, read after it was pushed. Written once, for a commit never changes.

    `found` holds a row a file: `path`, `oid`, `source` (text, beside, reuse or inside), `licence` and, by source,
    `score`, `by`, `also`, `added`, `missing`, `pattern`, `holder`, `name`, `link`. `services.licensing.files` reads it.
    """

    commit = models.OneToOneField(Commit, on_delete=models.CASCADE, related_name="licence_reading")
    found = models.JSONField(default=list)
    faults = models.JSONField(default=list, help_text="Files that could not be read, a sentence each.")
    read_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{len(self.found)} of {self.commit}"
