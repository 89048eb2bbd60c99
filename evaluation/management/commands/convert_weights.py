"""`manage.py convert_weights`: turns a model's pickled or Keras weights into safetensors, as a pull request."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from evaluation.models import Conversion
from evaluation.services import conversions
from hub.core.exceptions import HubError
from models_registry.models import Kind, Repository
from models_registry.services.revisions import find_commit


class Command(BaseCommand):
    help = "Convert a model's weights to safetensors in the sandbox, now, and propose them as a pull request."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repository", help="namespace/name of a model")
        parser.add_argument("--user", required=True, help="in whose name the pull request is opened; may write there")
        parser.add_argument("--revision", default="", help="commit, branch or tag; the default branch's head otherwise")

    def handle(self, *args: Any, **options: Any) -> None:
        namespace, _, name = options["repository"].partition("/")
        repository = Repository.objects.filter(
            kind=Kind.MODEL, namespace__name__iexact=namespace, name__iexact=name
        ).first()
        user = User.objects.filter(username__iexact=options["user"]).first()
        if repository is None or user is None:
            raise CommandError("There is no such model, or no such user.")
        try:
            commit = find_commit(repository, options["revision"] or repository.default_branch)
            row = conversions.request_conversion(repository=repository, commit=commit, user=user)
        except HubError as error:
            raise CommandError(str(error)) from error
        conversions.perform(conversion_id=row.pk)
        row.refresh_from_db()
        if row.state == Conversion.State.FAILED:
            raise CommandError(row.reason)
        self.stdout.write(f"{row.path}: {row.get_state_display().lower()}, pull request #{row.pull_request}")
