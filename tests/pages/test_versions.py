"""From a branch to a release, a pointer and back, as somebody does it in a browser; also without a script."""

import pytest

from models_registry.services.releases import find_release
from tests.factories.accounts import UserFactory
from tests.factories.pages import model
from tests.factories.registry import put

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    "options", [{}, {"java_script_enabled": False}, {"width": 390}], ids=["script", "none", "phone"]
)
def test_the_life_of_a_release(watch, options):
    ada = UserFactory(username="ada")
    tiny = model(user=ada, name="tiny")
    watched = watch(**options)
    watched.sign_in(ada)
    page = watched.page

    watched.go("/ada/tiny/releases")
    page.get_by_role("link", name="Make the first release").click()
    page.get_by_role("button", name="Release", exact=True).click()
    assert page.locator("h2").first.inner_text() == "v1.0.0"

    put(tiny, {"config.json": '{"layers": 13}'}, title="One layer more")
    watched.go("/ada/tiny/releases")
    page.get_by_role("link", name="Release main as v1.1.0").click()
    assert "One layer more" in page.get_by_label("Notes").input_value()
    page.get_by_role("button", name="Release", exact=True).click()

    page.get_by_role("link", name="Compare with v1.0.0").click()
    assert '+{"layers": 13}' in page.locator(".diff .add").inner_text().replace("\n", "")

    page.get_by_role("link", name="Pointers").click()
    page.get_by_label("Points to").fill("v1.1.0")
    page.get_by_role("button", name="Make the pointer").click()
    page.get_by_label("Move production to").fill("v1.0.0")
    page.get_by_role("button", name="Move production").click()
    page.get_by_role("button", name="Back to v1.1.0").click()
    assert page.locator(".panel header b").inner_text() == "v1.1.0"

    watched.go("/ada/tiny/releases/v1.1.0")
    page.get_by_text("Yank this release").click()
    page.get_by_label("Reason").fill("The start token is doubled.")
    page.get_by_role("button", name="Yank v").click()
    assert page.get_by_text("The start token is doubled.").first.is_visible()
    assert find_release(tiny, "v1.1.0").is_yanked
    assert watched.faults == []
