"""`manage.py quota NAMESPACE [--limit SIZE|none|default]`: what a namespace uses, and what it may."""

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Namespace
from models_registry.services import quotas

_UNITS = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9}


class Command(BaseCommand):
    help = "Show what a namespace stores, or give it a limit of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespace")
        parser.add_argument(
            "--limit", metavar="SIZE", help="such as 20GiB; “none” for no limit, “default” for the hub's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        namespace = Namespace.objects.filter(key=options["namespace"].lower()).first()
        if namespace is None:
            raise CommandError(f"Nobody is called {options['namespace']}.")
        if options["limit"]:
            quotas.set_limit(namespace=namespace, limit_bytes=_read(options["limit"]))
        usage = quotas.storage_used(namespace)
        limit = "without a limit" if usage.limit_bytes is None else f"of {usage.limit_bytes} bytes"
        self.stdout.write(f"{namespace.name}: {usage.used_bytes} bytes used, {usage.reserved_bytes} reserved, {limit}.")


def _read(text: str) -> int | None:
    if text in {"none", "default"}:
        return 0 if text == "none" else None
    match = re.fullmatch(r"(\d{1,15})\s*([A-Za-z]*)", text)
    if match is None or match[2].lower() not in _UNITS or not int(match[1]):
        raise CommandError(f"{text} is not a size such as 20GiB.")
    return int(match[1]) * _UNITS[match[2].lower()]
