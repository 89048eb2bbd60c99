"""`manage.py scrub`: reads every stored byte now and checks it, rather than when its turn comes."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from models_registry.services import content


class Command(BaseCommand):
    help = "Read and hash what is stored, at the rate of SMALLHUB_SCRUB_RATE_BYTES. Exit code 1 if anything is damaged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        done = content.scrub(seconds=options["seconds"], everything=True)
        self.stdout.write(f"{done.blobs} blobs of {done.size_bytes} bytes were read, {done.damaged} are damaged.")
        if done.damaged:
            self.stdout.write("manage.py fsck --deep names the files. Uploading them again mends them.")
            sys.exit(1)
