"""Gated repositories at every address: who has access is given the files, nobody else is given a byte of them.

The doors come from the table of routes, so an address that is added is tried here as well.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Scope
from models_registry.models import AccessRequest, AccessState, Gated, Visibility
from models_registry.services.commits import commit
from models_registry.types import AddLarge
from tests.access.table import METHODS, ROUTES, Access
from tests.access.test_matrix import ALLOWED, ASKED_TO_SIGN_IN, NEVER_THERE, REFUSED, ask, heard
from tests.access.world import Place, World, _signed_in
from tests.factories.accounts import UserFactory, token
from tests.factories.content import put_plain
from tests.factories.registry import put

pytestmark = pytest.mark.django_db

CANARY = "canary-of-the-gate"
WEIGHTS = CANARY.encode() * 1000
OUTSIDE = ("anonymous", "stranger", "pending", "rejected", "withdrawn")
INSIDE = ("accepted", "reader", "contributor", "starter", "writer", "admin", "administrator")
SOME = ("anonymous", "pending", "accepted", "writer")  # For the further kinds of an address.


class GatedWorld(World):
    """The world of the matrix with a gate before each public repository, and people in every state of asking."""

    def __init__(self) -> None:
        self.askers = {str(state): UserFactory(username=f"{state}-one") for state in AccessState}
        super().__init__()
        self.people |= self.askers
        self.cookies |= {who: _signed_in(user) for who, user in self.askers.items()}
        self.tokens |= {(who, "read token"): token(user, Scope.READ) for who, user in self.askers.items()}

    def _place(self, kind: str, visibility: Visibility) -> Place:
        place = super()._place(kind, visibility)
        repository = place.repository
        put(repository, {"config.json": f'{{"word": "{CANARY}"}}', "sub/a.txt": CANARY}, user=self.people["starter"])
        put_plain(repository, WEIGHTS)
        commit(
            repository=repository,
            user=self.people["starter"],
            branch="main",
            title="Weights",
            operations=[AddLarge("weights.bin", hashlib.sha256(WEIGHTS).hexdigest(), len(WEIGHTS))],
        )
        repository.refresh_from_db()
        repository.gated = Gated.MANUAL
        repository.save()
        AccessRequest.objects.bulk_create(
            AccessRequest(repository=repository, user=user, state=state, updated_at=timezone.now())
            for state, user in self.askers.items()
        )
        return place


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[GatedWorld]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield GatedWorld()
        transaction.set_rollback(True)


def credentials(who: str, *, is_page: bool) -> list[str]:
    if who == "anonymous":
        return [""]
    return ["session"] if is_page else ["session", "read token"]


DOORS = [
    (name, method)
    for name, route in ROUTES.items()
    for method, access in route.methods.items()
    if access is Access.DOWNLOAD and name not in NEVER_THERE and not (route.is_page and method == "HEAD")
]


def test_there_are_doors() -> None:
    assert len(DOORS) >= 20


@pytest.mark.parametrize(("name", "method"), DOORS, ids=lambda value: value)
def test_files_go_to_who_has_access_and_to_nobody_else(world: GatedWorld, name: str, method: str) -> None:
    route = ROUTES[name]
    wrong = []
    for kind in route.kinds:
        place = world.places[kind, Visibility.PUBLIC]
        for who in (*OUTSIDE, *INSIDE) if kind == route.kinds[0] else SOME:
            for credential in credentials(who, is_page=route.is_page):
                answer = ask(world, who, credential, method, route, place)
                should = ALLOWED if who in INSIDE else (ASKED_TO_SIGN_IN if who == "anonymous" else REFUSED)
                code = answer.headers.get("X-Error-Code", "GatedRepo")
                if heard(answer, route) != should or code != "GatedRepo":
                    wrong.append(f"{kind}, {who} with {credential or 'nothing'}: {answer.status_code} {code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ROUTES)
def test_no_address_gives_a_byte_of_a_file_to_who_has_no_access(world: GatedWorld, name: str) -> None:
    route = ROUTES[name]
    wrong = []
    for kind in route.kinds:
        place = world.places[kind, Visibility.PUBLIC]
        for method in METHODS:
            for who in ("anonymous", "pending"):  # The doors above are tried by all.
                credential = "" if who == "anonymous" else "session"
                answer = ask(world, who, credential, method, route, place)
                if answer.status_code == 500 or CANARY in told(answer):
                    wrong.append(f"{method} as {who}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["wire:info", "wire:tree", "wire:paths_info", "wire:refs", "model", "model_tree"])
def test_what_there_is_stays_visible(world: GatedWorld, name: str) -> None:
    route = ROUTES[name]
    for method in route.methods:
        answer = ask(world, "anonymous", "", method, route, world.places["models", Visibility.PUBLIC])
        assert answer.status_code == 200


def told(answer: Any) -> str:
    body = answer.told if getattr(answer, "streaming", False) else answer.content
    return body.decode("utf-8", "replace") + repr(sorted(answer.headers.items()))
