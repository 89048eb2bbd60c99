"""`manage.py sign_receipts`: gives a signature to receipts that have none."""

from typing import Any

from django.core.management.base import BaseCommand

from evaluation.services import signing


class Command(BaseCommand):
    help = "Sign the receipts that no trusted key has signed, as those from before this hub had a key. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{signing.sign_all()} receipts signed.")
