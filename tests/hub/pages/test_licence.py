import pytest
from django.test import Client

from models_registry.models import Repository
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
AT = "/ada/tiny/licence"


def tiny(licence: str) -> Repository:
    repository = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    put(repository, {"README.md": f"---\nlicense: {licence}\n---\n# tiny\n"})
    return repository


def test_the_page_says_what_one_may_must_and_must_not(client: Client) -> None:
    tiny("cc-by-nc-4.0")
    page = client.get(AT).content.decode()
    assert "Creative Commons Attribution-NonCommercial 4.0 International" in page
    assert page.index("You may") < page.index("You must") < page.index("You must not")
    assert "Name the author and where it is from" in page
    assert "3(a)(1)(A)" in page
    assert "not legal advice" in page


def test_each_choice_of_an_expression_has_its_own_columns(client: Client) -> None:
    tiny("mit OR gpl-3.0")
    page = client.get(AT).content.decode()
    assert page.count("You must not") == 2
    assert "Or, as you choose" in page


def test_what_the_hub_does_not_know_it_says(client: Client) -> None:
    repository = tiny("LicenseRef-house-rules")
    assert "no summary of “LicenseRef-house-rules”" in client.get(AT).content.decode()
    put(repository, {"README.md": "# tiny\n"})
    assert "None is declared" in client.get(AT).content.decode()


def test_the_old_spelling_of_a_name_leads_on_and_a_private_one_is_not_there(client: Client) -> None:
    RepositoryFactory(user=UserFactory(username="bob"), name="own", private=True)
    tiny("mit")
    assert client.get("/Ada/Tiny/licence").headers["Location"] == AT
    assert client.get("/bob/own/licence").status_code == 404
