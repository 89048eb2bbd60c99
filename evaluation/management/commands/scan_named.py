"""`manage.py scan_named`: scans for commits that branches and tags name and that were never scanned."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evaluation.services.evaluations import scan_named


class Command(BaseCommand):
    help = "Ask for scans of what branches, tags and pull requests name and was never scanned. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=10_000, help="ask for so many at most")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = scan_named(limit=options["limit"])
        if options["verbosity"]:
            self.stdout.write(f"{asked} scans asked for.")
