"""`manage.py gc [--dry-run] [--grace DAYS]`: takes away what nothing needs any more."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from models_registry.services.collection import collect


class Command(BaseCommand):
    help = "Delete unreachable commits, unlinked content, unused chunks and their bytes, after a time of grace."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument("--grace", type=float, metavar="DAYS", help="instead of SMALLHUB_GRACE_DAYS")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        grace = None if options["grace"] is None else timedelta(days=options["grace"])
        done = collect(grace=grace, dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(done.as_dict()))
            return
        verb = "Would remove" if options["dry_run"] else "Removed"
        parts = [f"{number} {name.replace('_', ' ')}" for name, number in done.as_dict().items() if number]
        self.stdout.write(f"{verb} {', '.join(parts)}." if parts else "Nothing is left over.")
