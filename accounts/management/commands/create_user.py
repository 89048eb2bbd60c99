"""`manage.py create_user NAME [--email] [--admin] [--password-stdin]`."""

import secrets
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from hub.core.exceptions import HubError


class Command(BaseCommand):
    help = "Add a person. Without --password-stdin a password is made and printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--admin", action="store_true", help="may open /admin and see everything")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        given = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else ""
        if options["password_stdin"] and not given:
            raise CommandError("Standard input held no password.")
        password = given or secrets.token_urlsafe(12)
        try:
            user = services.create_user(
                username=options["name"],
                password=password,
                email=options["email"],
                full_name=options["full_name"],
                is_admin=options["admin"],
            )
        except HubError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Created {user.username}." if given else f"Created {user.username}. Password: {password}")
