"""`manage.py create_token USER --role read|write|admin [--name] [--value hf_…]` prints the token alone."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import services
from accounts.models import Scope, User
from hub.core.exceptions import HubError


class Command(BaseCommand):
    help = "Make an access token for a user and print it, alone on one line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--role", choices=[scope.value for scope in Scope.wide()], required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--value", default=None, help="use this value, for repeatable set-ups")
        parser.add_argument("--days", type=int, default=None, help="let it end after this many days")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(namespace__key=options["user"].lower()).first()
        if user is None:
            raise CommandError(f"There is no user called {options['user']}.")
        now = timezone.now()
        name = options["name"] or f"made {now:%Y-%m-%d %H:%M:%S.%f}"
        expires_at = now + timedelta(days=options["days"]) if options["days"] else None
        try:
            _, value = services.create_token(
                user=user, name=name, scope=Scope(options["role"]), expires_at=expires_at, value=options["value"]
            )
        except HubError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(value)
