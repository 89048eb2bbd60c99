"""`manage.py rebuild_standings`: the rows behind leaderboards, from what was measured."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evaluation.models import Standing
from evaluation.services.standings import rebuild


class Command(BaseCommand):
    help = "Write the rows behind leaderboards anew from scores, releases and cards. Safe at any time, also to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there are rows already")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and Standing.objects.exists():
            return
        report = rebuild()
        if options["verbosity"]:
            self.stdout.write(f"{report.models} models looked at, {report.changed} rows changed.")
