"""`manage.py rotate_receipt_key`: a new key signs from now on; what the old one signed can still be checked."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from evaluation.services import signing


class Command(BaseCommand):
    help = (
        "Put a new key in the place of the one that signs receipts. The old key vouches for the new one, stays "
        "published, and signs no more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="Others may have the old key: it is revoked, and all receipts are signed anew.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key = signing.rotate_key(compromised=options["compromised"])
        self.stdout.write(f"Receipts are signed with {key.key_id} now.")
        if options["compromised"]:
            self.stdout.write(f"{signing.sign_all()} receipts signed anew.")
