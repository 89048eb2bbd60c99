import pytest
from django.test import Client

from models_registry.models import Repository
from models_registry.services.licensing import judgements
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


def test_a_contradiction_is_explained_with_both_clauses(client: Client, django_assert_max_num_queries) -> None:
    child = fine_tune_of_a_base_that_forbids_sale()
    with django_assert_max_num_queries(60):
        page = client.get(f"/{child.full_name}/licence").content.decode()
    assert "No: what it declares and what it was made from cannot both be kept." in page
    assert "ada/base forbids commercial use; bob/tiny allows it." in page
    assert "Section 2(a)(1), 1(i)" in page
    assert "Section ¶1" in page
    assert 'href="/ada/base"' in page
    assert "CC-BY-NC-SA-4.0" in page, "what it may be instead"
    assert "no legal advice" in page


def test_the_page_of_the_model_points_at_it(client: Client) -> None:
    child = fine_tune_of_a_base_that_forbids_sale()
    assert "It contradicts what this was made from." not in client.get(f"/{child.full_name}").content.decode()
    judgements.refresh(repository_id=child.pk)
    assert "It contradicts what this was made from." in client.get(f"/{child.full_name}").content.decode()


def test_what_is_forbidden_below_is_shown_above(client: Client) -> None:
    base = RepositoryFactory(user=UserFactory(username="ada"), name="base")
    put(base, {"README.md": "---\nlicense: bigscience-openrail-m\n---\n"})
    child = RepositoryFactory(user=UserFactory(username="bob"), name="tiny")
    front = "license: bigscience-openrail-m\nbase_model: ada/base\nbase_model_relation: adapter"
    put(child, {"README.md": f"---\n{front}\n---\n"})
    page = client.get("/bob/tiny/licence").content.decode()
    assert "Yes, with duties that have to be carried on." in page
    assert "Give medical advice or read medical results with it" in page


def fine_tune_of_a_base_that_forbids_sale() -> Repository:
    base = RepositoryFactory(user=UserFactory(username="ada"), name="base")
    put(base, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})
    child = RepositoryFactory(user=UserFactory(username="bob"), name="tiny")
    put(child, {"README.md": "---\nlicense: mit\nbase_model: ada/base\n---\n"})
    return child
