"""A licence as clients judge it: any one of these choices, each the licences that hold together, with their classes."""

from typing import Any

from models_registry.licences import licence_class, parse


def choices_of(licence: str) -> list[dict[str, str]]:
    """`mit OR gpl-3.0-only` gives two choices of one licence each; "" gives none."""
    return [{name: licence_class(name) for name in sorted(ids)} for ids in parse(licence).alternatives]


def names_of(licence: str) -> list[str]:
    """Every licence that it names, in small letters, for filters."""
    return sorted({name.lower()[:200] for name in parse(licence).ids})


def terms_of(licence: str) -> dict[str, Any]:
    """The fields that manifests and reports carry."""
    return {"licence": licence, "licence_class": licence_class(licence), "licence_choices": choices_of(licence)}
