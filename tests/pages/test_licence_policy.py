"""The licence page and the policy in a real browser: a contradiction explained, a release held and let pass."""

import pytest

from models_registry.models import LicencePolicy, Release, Repository
from models_registry.services.licensing import judgements
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def child(live_server) -> Repository:
    """An MIT fine-tune of a base that forbids sale, trained on data that ask to share alike."""
    base = RepositoryFactory(user=UserFactory(username="ada"), name="base")
    put(base, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})
    data = RepositoryFactory(user=UserFactory(username="cleo"), name="harbours", dataset=True)
    put(data, {"README.md": "---\nlicense: cc-by-sa-4.0\n---\n"})
    made = RepositoryFactory(user=UserFactory(username="bob"), name="tiny")
    put(made, {"README.md": "---\nlicense: mit\nbase_model: ada/base\ndatasets: [cleo/harbours]\n---\n# tiny\n"})
    judgements.refresh(repository_id=made.pk)
    return made


def test_a_contradiction_is_read_and_a_policy_holds_the_release(watch, child) -> None:
    watched = watch(width=390)
    page = watched.page
    watched.go("/bob/tiny")
    page.click("text=See which clauses")
    page.wait_for_url("**/bob/tiny/licence")
    assert page.is_visible("text=ada/base forbids commercial use; bob/tiny allows it.")
    assert page.locator("article.notice--failed").inner_text().count("Section") == 2
    page.locator("details summary", has_text="Rule by rule").focus()
    page.keyboard.press("Enter")
    assert page.is_visible("text=trained on it")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    watched.sign_in(child.creator)
    watched.go("/settings/licences")
    page.check("[name=mode][value=block]")
    page.click("text=Save the policy")
    page.wait_for_selector("text=The policy is saved.")
    assert LicencePolicy.objects.get().mode == "block"
    judgements.refresh(repository_id=child.pk)
    watched.go("/bob/tiny/new-release")
    page.fill("[name=name]", "v1.0.0")
    page.click("main form button.btn--main")
    page.wait_for_url("**/releases/v1.0.0")
    assert page.is_visible("text=Held at the gate")
    assert "CC-BY-NC-4.0 2(a)(1), 1(i)" in page.inner_text("main")
    page.click("text=Let it pass all the same")
    page.fill("[name=reason]", "The author wrote us a licence.")
    page.click("text=Let v1.0.0 pass")
    page.wait_for_load_state()
    assert Release.objects.get().gate == "passed"
    assert not watched.faults
