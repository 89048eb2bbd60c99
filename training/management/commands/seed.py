"""`manage.py seed --endpoint URL`: core suite and starter catalogue; `manage.py up` starts it once the site answers."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from training.services import PartState, seed_hub


class Command(BaseCommand):
    help = "Publish the core suite and a few really small models through the hub's own API. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--endpoint", required=True, help="address of the running hub, http://127.0.0.1:8000 say")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.SMALLHUB_DATA / "starter"
        reports = seed_hub(endpoint=options["endpoint"], folder=folder, say=self._say)
        if reports is None:
            self._say("Another process is filling this hub; nothing to do here.")
            return
        failed = [report.name for report in reports if report.state == PartState.FAILED]
        if failed:
            raise CommandError(f"Not published: {', '.join(failed)}. The next start tries again.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
