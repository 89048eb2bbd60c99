"""`manage.py undelete NAMESPACE/NAME [--kind dataset] [--as NAME]`: brings a deleted repository back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.core.exceptions import HubError
from models_registry.models import Kind, Repository
from models_registry.services.undelete import kept_until, restore_repository


class Command(BaseCommand):
    help = "Bring a deleted repository back; without a name, list what can be brought back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repository", nargs="?", default="", help="namespace/name")
        parser.add_argument("--kind", choices=Kind.values, default=Kind.MODEL.value)
        parser.add_argument("--as", dest="name", default="", help="another name, if its own was used again")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["repository"]:
            for row in Repository.everything.deleted():
                self.stdout.write(
                    f"{row.kind} {row.full_name}  deleted {row.deleted_at:%Y-%m-%d %H:%M}, "
                    f"kept until {kept_until(row):%Y-%m-%d}"
                )
            return
        key = options["repository"].lower()
        # Of several that had this name, the one that was deleted last.
        found = Repository.everything.deleted().filter(kind=options["kind"], key=key).first()
        if found is None:
            raise CommandError(f"No deleted {options['kind']} is called {options['repository']}.")
        try:
            restored = restore_repository(repository=found, user=None, name=options["name"])
        except HubError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"✓ {restored.full_name} is back.")
