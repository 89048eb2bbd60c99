"""Likes, follows, collections and sign-in of programs in a real browser."""

import pytest
from playwright.sync_api import expect

from accounts import services
from models_registry.models import Repository
from models_registry.services.collections import add_item, create_collection
from tests.factories.accounts import UserFactory
from tests.factories.pages import model
from tests.factories.registry import RepositoryFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def collection(user, *names):
    found = create_collection(user=user, namespace=user.namespace, title="Small ones")
    for name in names:
        add_item(collection=found, user=user, repository=RepositoryFactory(user=user, name=name))
    return found


def order(found) -> list[str]:
    return [item.repository.name for item in found.items.order_by("position")]


def test_a_like_changes_the_button_in_place(watch):
    repository, user = model(name="pico"), UserFactory()
    watched = watch()
    watched.sign_in(user)
    watched.go(f"/{repository.full_name}")
    watched.page.evaluate("window.stillHere = true")

    watched.page.get_by_role("button", name="Like").click()
    expect(watched.page.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")
    expect(watched.page.get_by_role("link", name="1 person likes this")).to_be_visible()
    assert watched.page.evaluate("window.stillHere")
    watched.page.get_by_role("button", name="Like").click()
    expect(watched.page.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "false")

    assert Repository.objects.get(pk=repository.pk).likes == 0
    assert watched.faults == []


def test_a_like_works_without_scripts(watch):
    repository, user = model(name="pico"), UserFactory()
    watched = watch(width=390, java_script_enabled=False)
    watched.sign_in(user)
    watched.go(f"/{repository.full_name}")

    watched.page.get_by_role("button", name="Like").click()

    expect(watched.page.get_by_role("link", name="1 person likes this")).to_be_visible()


def test_items_are_found_added_and_moved_by_keys_alone(watch):
    user = UserFactory()
    found = collection(user, "alpha", "beta")
    RepositoryFactory(user=user, name="gamma")
    watched = watch()
    watched.sign_in(user)
    watched.go(f"/collections/{found.slug}")

    watched.page.get_by_label("Find by name").focus()
    watched.page.keyboard.type("gam")
    watched.page.get_by_role("button", name=f"Add {user.username}/gamma").focus()
    watched.page.keyboard.press("Enter")
    expect(watched.page.locator(".coll-line")).to_have_count(3)
    watched.page.get_by_role("button", name="Move item 3 up").focus()
    watched.page.keyboard.press("Enter")
    expect(watched.page.locator(".coll-line .title").nth(1)).to_contain_text("gamma")

    assert order(found) == ["alpha", "gamma", "beta"]
    assert watched.faults == []


def test_items_are_dragged_into_another_order(watch):
    user = UserFactory()
    found = collection(user, "alpha", "beta", "gamma")
    watched = watch()
    watched.sign_in(user)
    watched.go(f"/collections/{found.slug}")
    lines = watched.page.locator(".coll-line")

    with watched.page.expect_navigation():
        lines.nth(2).locator("[data-grip]").drag_to(lines.nth(0).locator("[data-grip]"))

    assert order(found) == ["gamma", "alpha", "beta"]
    assert watched.faults == []


def test_a_program_is_let_in_by_its_code(watch):
    user = UserFactory()
    asked = services.ask_device(client_id="tried", scope="write", agent="tried/1", address="10.1.2.3")
    watched = watch(width=390)
    watched.sign_in(user)
    watched.go("/login/device")

    watched.page.get_by_label("Code").fill(asked.user_code.lower())
    watched.page.keyboard.press("Enter")
    expect(watched.page.get_by_text("another address than this browser")).to_be_visible()
    watched.page.get_by_label("read what you may read, private repositories too").check()
    watched.page.get_by_role("button", name="Let it in").click()
    watched.page.wait_for_url("**/settings/tokens")

    given = services.redeem_device(device_code=asked.device_code, client_id="tried")
    assert (given.token.user, given.token.scope) == (user, "read")
    assert watched.faults == []
