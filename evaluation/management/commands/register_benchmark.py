"""`manage.py register_benchmark OWNER/NAME`: what a data set's eval.yaml declares, registered now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation.services.declarations import register_declared
from hub.core.exceptions import HubError
from models_registry.models import Kind, Repository
from models_registry.services.revisions import find_commit


class Command(BaseCommand):
    help = "Register the benchmarks that a data set declares in its eval.yaml. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", help="OWNER/NAME of the data set.")
        parser.add_argument("--revision", default=None, help="Commit, branch or tag; the newest commit without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        namespace, _, name = options["dataset"].partition("/")
        repository = Repository.objects.named(Kind.DATASET, namespace, name).first()
        if repository is None:
            raise CommandError(f"There is no data set {options['dataset']}.")
        try:
            rows = register_declared(repository=repository, commit=find_commit(repository, options["revision"]))
        except HubError as error:
            raise CommandError(str(error)) from error
        for row in rows:
            self.stdout.write(f"{row} measures {row.task} with {row.repository.full_name}.")
        if not rows:
            self.stdout.write("No task of eval.yaml has a block `smallhub`, so nothing is measured with it here.")
