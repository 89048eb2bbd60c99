"""`manage.py import_benchmarks PATH`: published sets become data sets and benchmarks of this hub."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from evaluation.services import fetching
from evaluation.services.datasets import PUBLISHER, publisher
from evaluation.services.importing import ImportReport, import_set, is_imported, read_collection
from hub.core.exceptions import HubError


class Command(BaseCommand):
    help = (
        "Import benchmark data from a folder with MANIFEST.json and SOURCES.md, or from another hub. Every file is "
        "checked against its SHA-256. Sets that may not be passed on become private. Safe to repeat."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, nargs="?", help="The folder of the collection.")
        parser.add_argument("--from", dest="endpoint", metavar="URL", help="Another hub to fetch the sets from.")
        parser.add_argument("--from-owner", default=PUBLISHER, help="Whose data sets they are there.")
        parser.add_argument("--token", default="", help="A token of the other hub, for sets that are private there.")
        parser.add_argument("--only", nargs="+", metavar="SET", help="Names of the sets to import; all without it.")
        parser.add_argument("--owner", default=PUBLISHER, help="Whose data sets they become; made if missing.")
        parser.add_argument("--full", action="store_true", help="Register the sets that take hours as well.")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["path"] is None) == (options["endpoint"] is None):
            raise CommandError("Name a folder, or another hub with --from.")
        if options["endpoint"] is not None:
            self._fetch(options)
            return
        try:
            found = read_collection(options["path"])
            user = publisher(options["owner"])
            for name in self._chosen(list(found), options["only"]):
                self._tell(import_set(source=found[name], user=user, full=options["full"]))
        except HubError as error:
            raise CommandError(str(error)) from error

    def _fetch(self, options: dict[str, Any]) -> None:
        """Set by set: what one of them lacks does not keep the others out."""
        elsewhere = fetching.Elsewhere(options["endpoint"], options["from_owner"], options["token"])
        user, missing = publisher(options["owner"]), []
        for name in self._chosen(list(fetching.sets()), options["only"]):
            if is_imported(name, full=options["full"]):
                self.stdout.write(f"{name}: here already")
                continue
            try:
                self._fetch_set(name, elsewhere, user, full=options["full"])
            except HubError as error:
                missing.append(name)
                self.stderr.write(f"{name}: {error}")
        if missing:
            raise CommandError(f"Not imported: {', '.join(missing)}. Run it again to go on.")

    def _fetch_set(self, name: str, elsewhere: fetching.Elsewhere, user: User, *, full: bool) -> None:
        with fetching.fetched(name, elsewhere=elsewhere) as source:
            self._tell(import_set(source=source, user=user, full=full))

    def _chosen(self, sets: list[str], only: list[str] | None) -> list[str]:
        unknown = sorted(set(only or ()) - set(sets))
        if unknown:
            raise CommandError(f"There is no set called {', '.join(unknown)}. There are: {', '.join(sets)}.")
        return [name for name in sets if only is None or name in only]

    def _tell(self, report: ImportReport) -> None:
        repository = report.published.repository
        benchmarks = ", ".join(str(row) for row in report.benchmarks) or "no benchmark reads it yet"
        licence = f"class {report.source.licence_class or 'unknown'}, {repository.visibility}"
        self.stdout.write(f"{repository.full_name} ({licence}): {benchmarks}")
