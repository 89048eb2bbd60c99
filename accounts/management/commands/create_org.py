"""`manage.py create_org NAME --owner USER`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.models import User
from hub.core.exceptions import HubError


class Command(BaseCommand):
    help = "Found an organisation; the owner becomes its first admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", required=True)
        parser.add_argument("--full-name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(namespace__key=options["owner"].lower()).first()
        if owner is None:
            raise CommandError(f"There is no user called {options['owner']}.")
        try:
            organisation = services.create_organisation(
                name=options["name"], owner=owner, full_name=options["full_name"]
            )
        except HubError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Created {organisation.name}, owned by {owner.username}.")
