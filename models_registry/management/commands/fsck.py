"""`manage.py fsck [--deep] [--json] [--mend-counts]`: verifies what is stored against its hashes."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from models_registry.models import Repository
from models_registry.services import quotas
from models_registry.services.fsck import Fault, check_all, find_notes


class Command(BaseCommand):
    help = "Check refs, commits, trees, listings, counts, names and the chunk store. Exit code 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--deep", action="store_true", help="read every stored chunk and hash it")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--mend-counts", action="store_true", help="first put counters of stored bytes right")

    def handle(self, *args: Any, **options: Any) -> None:
        say = self._say_json if options["json"] else self._say
        if options["mend_counts"]:
            for repository in Repository.everything.order_by("pk").iterator():
                quotas.correct(repository)
        faults = 0
        for fault in check_all(deep=options["deep"]):
            faults += 1
            say(fault)
        for note in find_notes():
            say(note)
        if not options["json"]:
            self.stdout.write(f"{faults} faults." if faults else "✓ Everything is whole.")
        if faults:
            sys.exit(1)

    def _say(self, fault: Fault) -> None:
        self.stdout.write(f"{'·' if fault.is_note else '✗'} {fault.where}: {fault.what}")
        for use in fault.uses:
            self.stdout.write(f"    {use.repository} at {use.revision[:12]}: {use.path}")

    def _say_json(self, fault: Fault) -> None:
        self.stdout.write(json.dumps(fault.as_dict(), ensure_ascii=False))
