"""Roles × credentials × visibility × kind × method, at every address: who gets through, and what the others hear."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from models_registry.models import Visibility
from tests.access.table import METHODS, ROUTES, Access, Route
from tests.access.world import CREDENTIALS, RIGHTS, Place, World

pytestmark = pytest.mark.django_db

ALLOWED, REFUSED, HIDDEN, ASKED_TO_SIGN_IN = "allowed", "refused", "hidden", "asked to sign in"
# Only models are measured, so only they have receipts.
NEVER_THERE = {"dataset_receipt", "app_receipt", "dataset_receipt_items", "app_receipt_items"}
# Said only to whom the answer would be given.
FOR_THE_ALLOWED = {
    "access_request_not_found",
    "not_compared",
    "benchmark_invalid",
    "not_gated",
    "nothing_to_cancel",
    "nothing_to_convert",
    "release_state",
    "run_still_open",
}
READERS_RULES = {Access.READ, Access.DOWNLOAD, Access.LIKE, Access.DISCUSS}
REPOSITORY_RULES = READERS_RULES | {Access.AUTHOR, Access.WRITE, Access.ADMINISTER}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """One world for all cells; each request is undone, and so is the world."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def ask(world: World, who: str, credential: str, method: str, route: Route, place: Place) -> Any:
    """The answer to one request, whose effects are undone."""
    with transaction.atomic():
        answer = world.ask(
            who, credential, method, place.fill(route.address), place.fill(route.body), route.content_type
        )
        if hasattr(answer, "streaming_content"):
            answer.told = b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


def said(answer: Any) -> str:
    """The code of a refusal, where programs find it."""
    if "X-Error-Code" in answer.headers:
        return str(answer.headers["X-Error-Code"])
    return str(getattr(answer, "data", None) and answer.data.get("code"))


def heard(answer: Any, route: Route | None = None) -> str:
    """What an answer amounts to for its caller."""
    if route is not None and answer.status_code in route.also and said(answer) in FOR_THE_ALLOWED:
        return ALLOWED
    if answer.status_code == 302 and "/login" in answer["Location"]:
        return ASKED_TO_SIGN_IN
    if answer.status_code == 401:
        return ASKED_TO_SIGN_IN
    if answer.status_code == 403:
        return REFUSED
    if answer.status_code == 404:
        return HIDDEN
    assert answer.status_code < 400, f"{answer.status_code} {answer.content[:200]!r}"
    return ALLOWED


def expected(access: Access, who: str, credential: str, visibility: Visibility) -> str:
    """The rule, said once more, apart from the code that it checks."""
    reads, writes, administers = RIGHTS[who]
    if visibility == Visibility.PRIVATE and not reads:
        return ASKED_TO_SIGN_IN if who == "anonymous" else HIDDEN
    if access in {Access.READ, Access.DOWNLOAD}:
        return ALLOWED
    if who == "anonymous":
        return ASKED_TO_SIGN_IN
    if credential == "read token":
        return REFUSED
    if access in {Access.LIKE, Access.DISCUSS}:
        return ALLOWED
    if access is Access.AUTHOR:
        return ALLOWED if who == "starter" else REFUSED
    if not (writes if access is Access.WRITE else administers):
        return REFUSED
    return ALLOWED


def about_repositories() -> list[tuple[str, str]]:
    return [
        (name, method)
        for name, route in ROUTES.items()
        for method, access in route.methods.items()
        if access in REPOSITORY_RULES and name not in NEVER_THERE and not (route.is_page and method == "HEAD")
    ]


@pytest.mark.parametrize(("name", "method"), about_repositories(), ids=lambda value: value)
def test_repositories_open_to_whom_they_should_and_to_nobody_else(world: World, name: str, method: str):
    route, cells = ROUTES[name], 0
    wrong = []
    for kind in route.kinds:
        for visibility in Visibility:
            place = world.places[kind, visibility]
            for who, credential in tried(world, route, kind):
                answer = ask(world, who, credential, method, route_for(route, name, method), place)
                should = expected(route.methods[method], who, credential, visibility)
                if (route.is_page or route.names_no_repository) and who == "anonymous" and should == ASKED_TO_SIGN_IN:
                    should = (HIDDEN, ASKED_TO_SIGN_IN)  # A page may say that there is nothing, or ask who is there.
                if heard(answer, route) not in (should if isinstance(should, tuple) else (should,)):
                    wrong.append(f"{visibility} {kind}, {who} with {credential or 'nothing'}: {answer.status_code}")
                cells += 1
    assert cells >= 16
    assert not wrong, "\n".join(wrong)


def tried(world: World, route: Route, kind: str) -> list[tuple[str, str]]:
    """All callers; pages with a browser alone, further kinds with the widest and the narrowest credential."""
    if route.is_page:
        kept = {"", "session"}
    else:
        kept = {"", *CREDENTIALS} if kind == "models" else {"", "session", "read token"}
    return [(who, credential) for who, credential in world.callers() if credential in kept]


def route_for(route: Route, name: str, method: str) -> Route:
    """Deleting needs something that is there."""
    if method == "DELETE" and name == "registry_v1:release_yank":
        return Route(route.address.replace("v1.0.0", "v0.9.0"), route.methods)
    if method == "DELETE" and name in {"wire:branch", "wire:tag"}:
        last = {"wire:branch": "old", "wire:tag": "v1"}[name]
        return Route(route.address.rsplit("/", 1)[0] + f"/{last}", route.methods)
    return route


@pytest.mark.parametrize(("name", "method"), about_repositories(), ids=lambda value: value)
def test_what_is_hidden_looks_like_what_never_was(world: World, name: str, method: str):
    """Status, headers and body of a private repository and of a missing one are the same but for the name."""
    route = ROUTES[name]
    for kind in route.kinds:
        place = world.places[kind, Visibility.PRIVATE]
        for who, credential in (("anonymous", ""), ("stranger", "session"), ("stranger", "write token")):
            hidden = ask(world, who, credential, method, route, place)
            missing = ask(world, who, credential, method, route, place.elsewhere())
            assert told(hidden, place) == told(missing, place.elsewhere()), (who, credential)


def told(answer: Any, place: Place) -> tuple[Any, ...]:
    """All that a caller can learn, with the names taken out."""
    kept = {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Content-Length"}}
    text = answer.content.decode() + repr(sorted(kept.items()))
    for part in (place.repository.full_name, place.repository.name, place.receipt, answer.headers["X-Request-Id"]):
        text = text.replace(part, "…")
    return answer.status_code, csrf_free(text)


def csrf_free(text: str) -> str:
    """Without the one-time secret that each page with a form carries."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)


@pytest.mark.parametrize("name", ROUTES)
def test_other_methods_are_answered_with_405(world: World, name: str):
    route = ROUTES[name]
    if Access.NOTHING in route.methods.values():
        return
    wrong = []
    place = world.places[route.kinds[0], Visibility.PUBLIC]
    for method in METHODS:
        if method in route.methods:
            continue
        answer = ask(world, "administrator", "session", method, route, place)
        if answer.status_code != 405 and not is_refused_lock(name, method, answer):
            wrong.append(f"{method} → {answer.status_code}")
    assert not wrong, wrong


def is_refused_lock(name: str, method: str, answer: Any) -> bool:
    """git-lfs asks for locks by POST, and must hear in its own words that there are none."""
    return name.startswith("lfs_locks") and method == "POST" and answer.status_code == 404


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if Access.SIGNED in route.methods.values()])
def test_signed_addresses_open_to_no_other_credential(world: World, name: str):
    route = ROUTES[name]
    place = world.places[route.kinds[0], Visibility.PUBLIC]
    wrong = []
    for method in route.methods:
        for who, credential in world.callers():
            answer = ask(world, who, credential, method, route, place)
            if answer.status_code not in {401, 403}:
                wrong.append(f"{method} {who} with {credential or 'nothing'}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if Access.NOTHING in route.methods.values()])
def test_at_empty_addresses_there_is_nothing_for_anybody(world: World, name: str):
    route = ROUTES[name]
    place = world.places["models", Visibility.PUBLIC]
    for method in route.methods:
        for who, credential in world.callers():
            assert ask(world, who, credential, method, route, place).status_code == 404


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if Access.OPEN in route.methods.values()])
def test_open_addresses_show_nothing_private_to_strangers(world: World, name: str):
    route = ROUTES[name]
    callers = [("anonymous", ""), ("stranger", "session"), *([] if route.is_page else [("stranger", "read token")])]
    for method in [method for method, access in route.methods.items() if access is Access.OPEN]:
        for who, credential in callers:
            answer = ask(world, who, credential, method, route, world.places[route.kinds[0], Visibility.PRIVATE])
            may_say_no = {"readyz": 503, "accounts:login": 400, "accounts:join": 400, "oauth_token": 400}.get(name)
            assert answer.status_code < 400 or answer.status_code == may_say_no, (method, who)
            assert "tiny-private" not in answer.content.decode()


@pytest.mark.parametrize(
    "name",
    [name for name, route in ROUTES.items() if {Access.SIGNED_IN, Access.OWN} & set(route.methods.values())],
)
def test_personal_addresses_ask_strangers_to_sign_in_and_keep_others_out(world: World, name: str):
    route = ROUTES[name]
    place = world.places["models", Visibility.PUBLIC]
    for method, access in route.methods.items():
        assert heard(ask(world, "anonymous", "", method, route, place)) == ASKED_TO_SIGN_IN
        if access is Access.OWN:
            for who in ("stranger", "reader", "contributor", "starter"):
                assert ask(world, who, "session", method, route, place).status_code == 404
        else:
            assert ask(world, "stranger", "session", method, route, place).status_code not in {401, 403, 404}


def test_copying_needs_a_role_where_the_copy_goes(world: World):
    route = ROUTES["wire:duplicate"]
    may = {"contributor", "starter", "writer", "admin"}
    for kind in route.kinds:
        for visibility in Visibility:
            place = world.places[kind, visibility]
            for who, credential in world.callers():
                status = ask(world, who, credential, "POST", route, place).status_code
                hidden = visibility == Visibility.PRIVATE and not RIGHTS[who][0]
                if who == "anonymous":
                    assert status == 401
                elif hidden:
                    assert status == 404, (who, credential)
                else:
                    assert status == (200 if who in may and credential != "read token" else 403), (who, credential)


def test_an_organisations_storage_is_shown_to_its_members_alone(world: World):
    route = ROUTES["wire:organisation_repositories"]
    place = world.places["models", Visibility.PUBLIC]
    for who, credential in world.callers():
        status = ask(world, who, credential, "GET", route, place).status_code
        assert status == {"anonymous": 401, "stranger": 404}.get(who, 200), (who, credential)


def test_creating_needs_a_role_and_a_token_that_writes(world: World):
    route = ROUTES["wire:repo_create"]
    place = world.places["models", Visibility.PUBLIC]
    may = {"contributor", "starter", "writer", "admin"}
    for who, credential in world.callers():
        status = ask(world, who, credential, "POST", route, place).status_code
        if who == "anonymous":
            assert status == 401
        else:
            assert status == (200 if who in may and credential != "read token" else 403), (who, credential)


def cells_of(access: Access) -> list[tuple[str, str]]:
    return [
        (name, method) for name, route in ROUTES.items() for method, need in route.methods.items() if need is access
    ]


@pytest.mark.parametrize(("name", "method"), cells_of(Access.TAKE_PART))
def test_taking_part_needs_somebody_and_a_token_that_writes(world: World, name: str, method: str):
    route = ROUTES[name]
    place = world.places["models", Visibility.PUBLIC]
    for who, credential in tried(world, route, "models"):
        should = ALLOWED if credential != "read token" else REFUSED
        should = ASKED_TO_SIGN_IN if who == "anonymous" else should
        assert heard(ask(world, who, credential, method, route, place)) == should, (who, credential)


@pytest.mark.parametrize(("name", "method"), cells_of(Access.CURATE))
def test_a_collection_is_changed_by_those_who_write_in_its_namespace(world: World, name: str, method: str):
    route = ROUTES[name]
    place = world.places["models", Visibility.PUBLIC]
    for who, credential in tried(world, route, "models"):
        may = who in {"writer", "admin", "administrator"} and credential != "read token"
        should = ASKED_TO_SIGN_IN if who == "anonymous" else ALLOWED if may else REFUSED
        assert heard(ask(world, who, credential, method, route, place)) == should, (who, credential)


def test_starting_a_collection_needs_a_role_and_a_token_that_writes(world: World):
    route = ROUTES["wire:collections"]
    place = world.places["models", Visibility.PUBLIC]
    may = {"contributor", "starter", "writer", "admin"}
    for who, credential in world.callers():
        status = ask(world, who, credential, "POST", route, place).status_code
        should = 401 if who == "anonymous" else 200 if who in may and credential != "read token" else 403
        assert status == should, (who, credential)


@pytest.mark.parametrize("operation", ["download", "upload"])
def test_a_batch_of_git_lfs_needs_what_it_asks_for(world: World, operation: str):
    route = ROUTES["lfs_batch_models"]
    access = Access.WRITE if operation == "upload" else Access.READ
    body = {"operation": operation, "objects": [], "ref": {"name": "refs/heads/main"}}
    asked = Route(route.address, route.methods, body=body)
    for visibility in Visibility:
        place = world.places["models", visibility]
        for who, credential in world.callers():
            assert heard(ask(world, who, credential, "POST", asked, place)) == expected(
                access, who, credential, visibility
            )


def test_the_administration_is_for_the_sites_administrators(world: World):
    for who, credential in world.callers():
        answer = world.ask(who, credential, "GET", "/admin/", None, "text/html")
        assert (answer.status_code == 200) == ((who, credential) == ("administrator", "session")), (who, credential)


PERSONAL = ("/admin/", "/new", "/settings/profile", "/settings/tokens", "/settings/organizations", "/login", "/join")


@pytest.mark.parametrize("address", PERSONAL)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_token_opens_a_page_through_which_it_could_make_a_wider_one(world: World, address: str, method: str):
    for who in ("writer", "administrator"):
        for credential in CREDENTIALS[1:]:
            answer = world.ask(
                who, credential, method, address, "name=x&scope=admin", "application/x-www-form-urlencoded"
            )
            assert answer.status_code == 403
            assert answer.json()["code"] == "token_not_here"


def test_the_matrix_is_as_large_as_it_should_be(world: World):
    cells = sum(
        len(Visibility) * len(tried(world, ROUTES[name], kind))
        for name, _ in about_repositories()
        for kind in ROUTES[name].kinds
    )
    assert cells >= 3000
