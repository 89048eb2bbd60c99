"""Licences in a real browser: found by words, read clause by clause, kept out by an organisation."""

import pytest
from django.core.cache import cache

from models_registry.models import LicenceAllowance
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def admin(live_server):
    cache.clear()
    return UserFactory(username="ada-wyn")


def under(licence: str, admin, **traits):
    made = RepositoryFactory(user=admin, **traits)
    put(made, {"README.md": f"---\nlicense: {licence}\n---\n"}, user=admin)
    return made


def test_a_licence_is_found_read_and_followed_to_a_model(watch, admin):
    model = under("apache-2.0", admin, name="tiny")
    seen = watch()
    page = seen.page
    seen.go("/licences")
    page.fill("#q", "apache")
    page.keyboard.press("Enter")
    page.wait_for_url("**/licences?q=apache")

    page.click("main table a[href='/licences/Apache-2.0']")

    page.wait_for_url("**/licences/Apache-2.0")
    assert page.locator("h1").inner_text() == "Apache-2.0"
    assert "not legal advice" in page.locator("main").inner_text()
    assert page.locator(".terms li").count() > 5
    page.click(f"main a[href='/{model.full_name}']")
    page.wait_for_url(f"**/{model.full_name}")
    assert seen.faults == []


def test_the_licence_page_of_a_model_on_a_phone(watch, admin):
    model = under("apache-2.0", admin, name="tiny")
    put(model, {"README.md": "---\nlicense: mit\n---\n"}, user=admin)
    seen = watch(width=390, theme="dark")
    page = seen.page

    seen.go(f"/{model.full_name}/licence")

    assert page.locator("#ob").is_visible()
    assert "Apache-2.0" in page.locator("section[aria-labelledby=lh]").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with page.expect_response("**/notice") as answer:
        page.click("text=NOTICE file")
    assert answer.value.status == 200
    assert seen.faults == []


def test_an_admin_ticks_what_is_let_in(watch, admin):
    acme = OrganisationFactory(owner=admin, name="harbour")
    seen = watch()
    seen.sign_in(admin)
    page = seen.page
    seen.go("/settings/organizations/harbour/licences/allowed")
    page.check("input[name=class][value=permissive]")
    page.fill("#ids", "not an id!\nCC-BY-SA-4.0")
    page.click("text=Save the list")
    assert "no class and no id" in page.locator("#ids-fault").inner_text()
    assert page.is_checked("input[name=class][value=permissive]")

    page.fill("#ids", "CC-BY-SA-4.0")
    page.click("text=Save the list")

    page.wait_for_selector("text=The list is saved.")
    assert LicenceAllowance.objects.get(namespace=acme.namespace).allowed == ["permissive", "CC-BY-SA-4.0"]
    assert [fault for fault in seen.faults if "400" not in fault] == []
