"""`manage.py fsck [--deep]`: verifies what is stored against its hashes."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from models_registry.services.fsck import check_all


class Command(BaseCommand):
    help = "Check refs, commits, trees, listings and the chunk store. Exit code 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--deep", action="store_true", help="read every chunk on disk and hash it")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for fault in check_all(deep=options["deep"]):
            faults += 1
            self.stdout.write(f"✗ {fault.where}: {fault.what}")
        if faults:
            self.stdout.write(f"{faults} faults.")
            sys.exit(1)
        self.stdout.write("✓ Everything is whole.")
