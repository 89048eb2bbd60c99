"""Odd values at every address that can be read: an answer that says what is wrong, never a failure of ours."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from models_registry.models import Visibility
from tests.access.table import ROUTES, Access
from tests.access.world import World

pytestmark = pytest.mark.django_db

PARAMETERS = (
    *(
        "author",
        "expand",
        "filter",
        "full",
        "language",
        "licence",
        "owner",
        "p",
        "page",
        "pipeline_tag",
    ),
    *("q", "recursive", "search", "sort", "tag", "task", "kind", "next", "format", "download", "name", "blobs", "r"),
)
ODD = {
    "nul": "%00",
    "not utf-8": "%ff%fe",
    "a digit that is no digit": "%C2%B2",
    "a very large number": "9" * 5000,
    "a negative number": "-1",
    "half a surrogate": "%ED%A0%80",
    "quotes": "%27%22%3Cscript%3E%5C",
    "nothing": "",
}
# One kind stands for the three: the views are the same.
READABLE = [
    name
    for name, route in ROUTES.items()
    if "GET" in route.methods and Access.NOTHING not in route.methods.values() and route.kinds[0] == "models"
]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", READABLE)
def test_odd_values_in_the_query_are_refused_or_ignored(world: World, name: str):
    place = world.places[ROUTES[name].kinds[0], Visibility.PUBLIC]
    wrong = []
    for what, value in ODD.items():
        named = [name for name in PARAMETERS if len(value) < 100 or name == "p"]
        together = "&".join(f"{parameter}={value}" for parameter in named)
        # These two are refused first where they are known, so they are tried by themselves.
        for one in (together, f"limit={value}", f"cursor={value}"):
            status = answered(world, f"{place.fill(ROUTES[name].address)}?{one}")
            if status >= 500 and not (name == "readyz" and status == 503):
                wrong.append(f"{what} in {one[:20]}: {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name in READABLE if "{repo}" in ROUTES[name].address])
def test_odd_segments_in_the_address_are_not_found(world: World, name: str):
    place = world.places[ROUTES[name].kinds[0], Visibility.PUBLIC]
    address = place.fill(ROUTES[name].address)
    wrong = []
    for what, value in ODD.items():
        if len(value) > 100 or not value:
            continue
        for odd in (address.replace("main", value), address + value, address.replace("config.json", value)):
            status = answered(world, odd)
            if status >= 500:
                wrong.append(f"{what} in {odd}: {status}")
    assert not wrong, "\n".join(wrong)


def answered(world: World, address: str) -> int:
    """The status of a GET by the site's administrator, who reaches the most code."""
    client = Client(raise_request_exception=False)
    for name, value in world.cookies["administrator"].items():
        client.cookies[name] = value
    with transaction.atomic():
        answer = client.get(address)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return int(answer.status_code)
