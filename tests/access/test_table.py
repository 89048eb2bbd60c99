"""The table of routes is complete: an address that nobody decided about cannot be added."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from tests.access.table import ROUTES


def patterns(resolver: URLResolver, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    """(name, pattern) of every address but those of Django's own administration."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            name = entry.name or getattr(entry.callback, "__name__", "")
            yield f"{namespace}{name}", f"{prefix}{entry.pattern}"
        elif entry.app_name != "admin":
            below = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from patterns(entry, f"{prefix}{entry.pattern}", below)


EVERY = list(patterns(get_resolver()))


def test_there_are_routes():
    assert len(EVERY) > 80


def test_every_route_has_a_name_of_its_own():
    names = [name for name, _ in EVERY]

    assert not [pattern for name, pattern in EVERY if not name or name == "<lambda>"]
    assert not sorted(name for name in set(names) if names.count(name) > 1)


def test_every_route_has_a_row():
    missing = [f"{name}  ({pattern})" for name, pattern in EVERY if name not in ROUTES]

    assert not missing, "Decide who may use these, in tests/access/table.py:\n" + "\n".join(missing)


def test_every_row_has_a_route():
    assert not set(ROUTES) - {name for name, _ in EVERY}
