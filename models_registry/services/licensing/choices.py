"""A licence as clients judge it: any one of these choices, each the licences that hold together, with their classes."""

from models_registry.licences import licence_class


def choices_of(licence: str) -> list[dict[str, str]]:
    """`mit OR gpl-3.0` gives two choices of one licence each; "" gives one that nobody knows."""
    return [{licence: licence_class(licence)}] if licence else []


def terms_of(licence: str) -> dict[str, object]:
    """The fields that manifests and reports carry."""
    return {"licence": licence, "licence_class": licence_class(licence), "licence_choices": choices_of(licence)}
