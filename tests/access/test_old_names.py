"""A moved repository answers at every old address; a deleted one, at none. Made from the table of addresses."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from models_registry.models import Repository, Visibility
from models_registry.services.moves import move_repository
from models_registry.services.repositories import delete_repository
from tests.access.table import ROUTES, Access, Route
from tests.access.test_matrix import NEVER_THERE, about_repositories, told
from tests.access.world import Place, World

pytestmark = pytest.mark.django_db

# Bodies that name a repository mean the one that is called so now; there is no address to lead on to.
NAMED_IN_BODY = {"wire:repo_delete", "wire:repo_move"}
OLD_ADDRESSES = [
    each for each in about_repositories() if each[0] not in NAMED_IN_BODY and "{repo}" in ROUTES[each[0]].address
]
COPIES = [("wire:duplicate", "POST")]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """A world in which every repository has been moved twice."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = World()
        for place in made.places.values():
            for name in ("between", "now"):
                row = Repository.objects.get(pk=place.repository.pk)
                move_repository(
                    repository=row,
                    user=made.people["admin"],
                    namespace="harbour",
                    name=f"{name}-{row.visibility}",
                )
        yield made
        transaction.set_rollback(True)


def ask(world: World, who: str, method: str, route: Route, place: Place, *, extra: str = "") -> Any:
    with transaction.atomic():
        credential = "session" if who != "anonymous" else ""
        answer = world.ask(
            who, credential, method, place.fill(route.address) + extra, place.fill(route.body), route.content_type
        )
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize(("name", "method"), OLD_ADDRESSES + COPIES, ids=lambda value: value)
def test_old_addresses_lead_to_the_new_ones(world: World, name: str, method: str):
    route = ROUTES[name]
    for kind in route.kinds:
        for visibility in Visibility:
            old = world.places[kind, visibility]
            query = ("&" if "?" in route.address else "?") + "a=%2F&b=1%201"
            answer = ask(world, "admin", method, route, old, extra=query)

            new = Repository.objects.select_related("namespace").get(pk=old.repository.pk)
            expected = old.fill(route.address).replace(old.repository.full_name, new.full_name, 1)
            assert answer.status_code == 307, answer.content[:200]
            assert answer["Location"] == quote(expected, safe="/?=&") + query
            followed = world.ask("admin", "session", "HEAD", answer["Location"], None, "text/plain")
            assert followed.status_code != 307


@pytest.mark.parametrize(("name", "method"), OLD_ADDRESSES + COPIES, ids=lambda value: value)
def test_strangers_cannot_tell_an_old_name_of_a_private_one_from_none(world: World, name: str, method: str):
    route = ROUTES[name]
    for kind in route.kinds:
        place = world.places[kind, Visibility.PRIVATE]
        for who in ("anonymous", "stranger"):
            hidden = ask(world, who, method, route, place)
            missing = ask(world, who, method, route, place.elsewhere())
            assert told(hidden, place) == told(missing, place.elsewhere()), who


@pytest.mark.parametrize(("name", "method"), about_repositories(), ids=lambda value: value)
def test_deleted_ones_look_like_what_never_was_even_to_their_admin(world: World, name: str, method: str):
    route = ROUTES[name]
    for kind in route.kinds:
        with transaction.atomic():
            place = world.places[kind, Visibility.PUBLIC]
            row = Repository.objects.select_related("namespace").get(pk=place.repository.pk)
            delete_repository(repository=row, user=world.people["admin"])
            here = replace(place, repository=row)
            for who in ("anonymous", "admin"):
                # By its last name, and by the one before.
                for gone in (here, place):
                    answer = ask(world, who, method, route, gone)
                    never = ask(world, who, method, route, gone.elsewhere())
                    assert told(answer, gone) == told(never, gone.elsewhere()), (who, gone.repository.full_name)
            transaction.set_rollback(True)


def test_every_address_of_a_repository_is_tried():
    """Signed addresses carry the repository in their signature, so a name in them leads nowhere."""
    named = {name for name, route in ROUTES.items() if "{repo}" in route.address}
    signed = {name for name in named if Access.SIGNED in ROUTES[name].methods.values()}
    assert named - signed - NEVER_THERE == {name for name, _ in OLD_ADDRESSES + COPIES}
