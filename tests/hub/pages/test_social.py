"""Liking and following from a page, and what a holder's page shows of it."""

import pytest

from accounts.models import Follow, Role
from accounts.services import follow
from models_registry.models import Repository
from models_registry.services.likes import like_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.pages import model
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_the_button_likes_and_takes_back_without_a_script(client):
    repository, user = model(name="pico"), UserFactory()
    client.force_login(user)
    address = f"/{repository.full_name}"

    assert client.post(f"{address}/like", {"do": "like"}).url == address
    assert Repository.objects.get(pk=repository.pk).likes == 1
    page = client.get(address).content.decode()
    assert 'value="unlike" aria-pressed="true"' in page
    client.post(f"{address}/like", {"do": "unlike"})
    assert Repository.objects.get(pk=repository.pk).likes == 0


def test_htmx_gets_the_button_alone(client):
    repository = model(name="pico")
    client.force_login(UserFactory())

    answer = client.post(f"/{repository.full_name}/like", {"do": "like"}, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert b"1 person likes this" in answer.content
    assert b"<html" not in answer.content


def test_strangers_are_led_to_sign_in(client):
    repository = model(name="pico")

    assert f"/login?next=/{repository.full_name}" in client.get(f"/{repository.full_name}").content.decode()
    assert "/login" in client.post(f"/{repository.full_name}/like").url


def test_who_likes_it_is_a_page(client):
    repository, user = model(name="pico"), UserFactory(full_name="Ada Wyn")
    like_repository(repository=repository, user=user)

    assert "Ada Wyn" in client.get(f"/{repository.full_name}/likers").content.decode()


def test_following_from_a_holders_page(client):
    ada, ben = UserFactory(), UserFactory()
    client.force_login(ada)

    assert client.post(f"/users/{ben.username}/follow", {"do": "follow"}).url == f"/{ben.username}"
    assert b"1 follower" in client.get(f"/{ben.username}").content
    assert b"Following" in client.get(f"/{ben.username}").content
    client.post(f"/users/{ben.username}/follow", {"do": "unfollow"})
    assert not Follow.objects.exists()


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_following_never_leads_to_another_site(client, back):
    ben = UserFactory()
    client.force_login(UserFactory())

    assert client.post(f"/users/{ben.username}/follow", {"next": back}).url == f"/{ben.username}"


def test_every_tab_of_a_person_and_of_an_organisation(client):
    ada = UserFactory(full_name="Ada Wyn")
    organisation = OrganisationFactory(owner=ada)
    ben = member(organisation, Role.WRITE)
    liked = RepositoryFactory(name="liked")
    like_repository(repository=liked, user=ada)
    follow(user=ben, namespace=ada.namespace)
    follow(user=ada, namespace=organisation.namespace)

    def shown(holder: str, tab: str) -> str:
        return client.get(f"/{holder}?kind={tab}").content.decode().split('class="stack">', 1)[1]

    assert "liked" in shown(ada.username, "likes")
    assert ben.username in shown(ada.username, "followers")
    assert organisation.name in shown(ada.username, "following")
    assert ben.username in shown(organisation.name, "members")
    assert "No collections yet" in shown(ada.username, "collections")
    assert "Nothing published yet" in shown(ada.username, "apps")
    assert client.get(f"/{ada.username}?kind=members").context["tab"] == "models"  # A person has none.


def test_likes_of_hidden_repositories_are_not_shown(client):
    ada = UserFactory()
    like_repository(repository=RepositoryFactory(user=ada, private=True, name="secret"), user=ada)

    assert b"secret" not in client.get(f"/{ada.username}?kind=likes").content
    client.force_login(ada)
    assert b"secret" in client.get(f"/{ada.username}?kind=likes").content


@pytest.mark.parametrize("tab", ["models", "likes", "collections", "followers"])
def test_a_holders_page_costs_the_same_queries_however_much_there_is(client, django_assert_max_num_queries, tab):
    ada = UserFactory()
    for number in range(4):
        like_repository(repository=model(user=ada, name=f"m-{number}"), user=ada)
        follow(user=UserFactory(), namespace=ada.namespace)

    with django_assert_max_num_queries(20):
        assert client.get(f"/{ada.username}?kind={tab}").status_code == 200
