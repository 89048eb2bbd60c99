"""`manage.py import_benchmarks PATH`: published sets become data sets and benchmarks of this hub."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation.services.datasets import PUBLISHER, publisher
from evaluation.services.importing import ImportReport, SourceSet, import_set, read_collection
from hub.core.exceptions import HubError


class Command(BaseCommand):
    help = (
        "Import benchmark data from a folder with MANIFEST.json and SOURCES.md. Every file is checked against its "
        "SHA-256. Sets that may not be passed on become private. Safe to repeat."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="The folder of the collection.")
        parser.add_argument("--only", nargs="+", metavar="SET", help="Names of the sets to import; all without it.")
        parser.add_argument("--owner", default=PUBLISHER, help="Whose data sets they become; made if missing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = self._chosen(read_collection(options["path"]), options["only"])
            user = publisher(options["owner"])
            for source in chosen:
                self._tell(import_set(source=source, user=user))
        except HubError as error:
            raise CommandError(str(error)) from error

    def _chosen(self, sets: dict[str, SourceSet], only: list[str] | None) -> list[SourceSet]:
        unknown = sorted(set(only or ()) - sets.keys())
        if unknown:
            raise CommandError(f"There is no set called {', '.join(unknown)}. There are: {', '.join(sets)}.")
        return [source for name, source in sets.items() if only is None or name in only]

    def _tell(self, report: ImportReport) -> None:
        repository = report.published.repository
        benchmarks = ", ".join(str(row) for row in report.benchmarks) or "no benchmark reads it yet"
        licence = f"class {report.source.licence_class or 'unknown'}, {repository.visibility}"
        self.stdout.write(f"{repository.full_name} ({licence}): {benchmarks}")
