"""`manage.py doctor`: what is wrong with this installation, and how to mend it."""

import shutil
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

# Named by path, since the core imports no app: each gives a list of sentences, empty when all is well.
FINDINGS = (
    "hub.core.health.findings",
    "models_registry.health.findings",
    "evaluation.health.findings",
    "evaluation.services.signing.findings",
)
LOW_DISK_BYTES = 2 * 2**30


class Command(BaseCommand):
    help = "Name what is wrong and how to mend it. Exit code 1 if anything is."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = self._machine()
        for path in FINDINGS:
            wrong += import_string(path)()
        for text in wrong:
            self.stdout.write(f"✗ {text}")
        if wrong:
            sys.exit(1)
        self.stdout.write("✓ Nothing is wrong.")

    def _machine(self) -> list[str]:
        wrong = []
        if sys.version_info[:2] != (3, 11):
            wrong.append(f"Python is {sys.version.split()[0]}; Smallhub is tested with 3.11.")
        free = shutil.disk_usage(settings.SMALLHUB_DATA if settings.SMALLHUB_DATA.exists() else "/").free
        if free < LOW_DISK_BYTES:
            wrong.append(f"Only {free / 2**30:.1f} GiB are free at {settings.SMALLHUB_DATA}. Make room.")
        return wrong
