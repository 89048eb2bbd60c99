"""Keeps the OpenAPI document to our own API: the Hugging Face wire has its own specification."""

from typing import Any


def only_own_api(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
