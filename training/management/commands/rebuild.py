"""`manage.py rebuild ns/name --output DIR`: train a model again by its recipe, and compare weights."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from smallhub import SmallhubError

from hub.core.exceptions import HubError
from training.services import rebuild


class Command(BaseCommand):
    help = "Train a published model again by its recipe.json, and say whether the weights are the same bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="ns/name or ns/name@revision")
        parser.add_argument("--output", type=Path, required=True, help="folder for the new model")
        parser.add_argument("--endpoint", default="", help="address of the hub; this one by default")

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = options["endpoint"] or f"http://{settings.SMALLHUB_HOST}:{settings.SMALLHUB_PORT}"
        try:
            result = rebuild(name=options["name"], endpoint=endpoint, folder=options["output"], say=self.stdout.write)
        except (HubError, SmallhubError) as error:
            raise CommandError(str(error)) from error
        if not result.is_same:
            raise CommandError(
                "The weights differ from the published ones. Their last bits may, on another processor or with other "
                "versions than recipe.json names: compare what the two score."
            )
        self.stdout.write(f"The same weights, byte for byte: {result.rebuilt_sha256}")
