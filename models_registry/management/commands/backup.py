"""`manage.py backup FOLDER`: a copy of the hub, made while it works."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_registry.exceptions import BackupFailed
from models_registry.services.backup import make_backup


class Command(BaseCommand):
    help = "Copy database and blobs into a folder; a folder that holds a backup is brought up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--with-key", action="store_true", help="copy the secret key too; guard the folder")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_backup(options["folder"], with_key=options["with_key"])
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.blobs} blobs of {made.blob_bytes} bytes, {made.copied_blobs} of them new.")
        if not options["with_key"]:
            self.stdout.write("The secret key is not in it. Keep SMALLHUB_SECRET_KEY, or data/secret_key, elsewhere.")
