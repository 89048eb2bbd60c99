"""`manage.py restore FOLDER`: fills an empty hub from a backup, and checks it."""

import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_registry.exceptions import BackupFailed
from models_registry.services.backup import restore_backup
from models_registry.services.fsck import check_all


class Command(BaseCommand):
    help = (
        "Fill an empty hub from a backup. Everything is verified before the database is written, and once more after."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = restore_backup(options["folder"])
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write(f"{found.blobs} blobs of {found.blob_bytes} bytes, as of {found.begun_at}.")
        faults = list(check_all(deep=True))
        for fault in faults:
            self.stdout.write(f"✗ {fault.where}: {fault.what}")
        if faults:
            sys.exit(1)
        self.stdout.write("✓ Everything is whole.")
