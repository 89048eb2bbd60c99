"""`manage.py import_repo`: a repository in, from a folder, a Git server, or another hub."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from hub.core.exceptions import HubError
from models_registry.models import Kind, Repository, Visibility
from models_registry.services import imports
from models_registry.services.repositories import create_repository

_UNITS = {"m": 60, "h": 3600, "d": 86400}


class Command(BaseCommand):
    help = "Import a repository with all branches and tags, under the commit ids that it has."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a folder, a Git address, or with --hub a name: namespace/name")
        parser.add_argument("name", help="what it is called here: namespace/name")
        parser.add_argument("--hub", default="", help="address of another hub that speaks the Hugging Face wire")
        parser.add_argument("--kind", choices=[kind.value for kind in Kind], default=Kind.MODEL.value)
        parser.add_argument("--user", help="who imports it; the namespace's own person by default")
        parser.add_argument("--private", action="store_true", help="show it to members of the namespace alone")
        parser.add_argument("--token-variable", default="", help="environment variable with the origin's token")
        parser.add_argument("--mirror", metavar="EVERY", help="follow the origin from now on: 30m, 6h, 1d")

    def handle(self, *args: Any, **options: Any) -> None:
        namespace, slash, name = options["name"].partition("/")
        if not slash:
            raise CommandError("The name here must be namespace/name.")
        user = self._user(options["user"] or namespace)
        if options["token_variable"] and options["token_variable"] not in os.environ:
            raise CommandError(f"The environment has no {options['token_variable']}.")
        try:
            if _is_plain_folder(options):
                self._folder(user, namespace, name, options)
            else:
                self._history(user, namespace, name, options)
        except HubError as error:
            raise CommandError(f"{error} ({error.code})") from error

    def _user(self, name: str) -> User:
        found = User.objects.filter(username__iexact=name).first()
        if found is None:
            raise CommandError(f"There is no user {name}. Name one with --user.")
        return found

    def _folder(self, user: User, namespace: str, name: str, options: dict[str, Any]) -> None:
        kind = Kind(options["kind"])
        repository = Repository.objects.named(kind, namespace, name).first() or create_repository(
            user=user, namespace=namespace, name=name, kind=kind, visibility=_visibility(options)
        )
        made = imports.import_folder(
            repository=repository, user=user, folder=Path(options["source"]).resolve(), say=self._say
        )
        self.stdout.write(f"{repository.full_name} is at {made.oid}.")

    def _history(self, user: User, namespace: str, name: str, options: dict[str, Any]) -> None:
        source = options["source"]
        is_address = source.startswith(("http://", "https://")) or options["hub"]
        record = imports.begin_import(
            user=user,
            namespace=namespace,
            name=name,
            kind=Kind(options["kind"]),
            origin=source if is_address else str(Path(source).resolve()),
            hub=options["hub"].rstrip("/"),
            token_variable=options["token_variable"],
            visibility=_visibility(options),
            every_s=_seconds(options["mirror"]) if options["mirror"] else None,
        )
        done = imports.run_import(record, say=self._say)
        for warning in done.warnings:
            self.stderr.write(warning)
        repository = record.repository
        repository.refresh_from_db()
        self.stdout.write(
            f"{repository.full_name}: {len(done.moved)} refs moved, {done.files} large files of {done.file_bytes:,} "
            f"bytes fetched; {repository.default_branch} is at {repository.head}."
        )

    def _say(self, line: str) -> None:
        self.stderr.write(line)


def _is_plain_folder(options: dict[str, Any]) -> bool:
    """A folder that is no Git repository, bare or not."""
    folder = Path(options["source"])
    if options["hub"] or not folder.is_dir():
        return False
    return not ((folder / ".git").exists() or ((folder / "objects").is_dir() and (folder / "HEAD").is_file()))


def _visibility(options: dict[str, Any]) -> Visibility:
    return Visibility.PRIVATE if options["private"] else Visibility.PUBLIC


def _seconds(text: str) -> int:
    unit = _UNITS.get(text[-1:])
    if unit is None or not text[:-1].isdigit() or not 60 <= int(text[:-1]) * unit <= 30 * 86400:
        raise CommandError("--mirror takes a time such as 30m, 6h or 1d, from a minute to thirty days.")
    return int(text[:-1]) * unit
