"""Overviews, followers, members and likes, as the public client reads them (E41 to E43, E68, E69)."""

import pytest
from django.test import Client

from accounts.models import Follow, Role, Scope
from accounts.services import follow
from models_registry.services.likes import like_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, bearer, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_a_like_by_the_wire_is_counted_and_taken_back(client: Client):
    repository, user = RepositoryFactory(), UserFactory(full_name="Ada Wyn")
    address = f"/api/models/{repository.full_name}/like"

    assert client.post(address, headers=bearer(user)).json() == {"likes": 1, "isLiked": True}
    (liker,) = client.get(f"/api/models/{repository.full_name}/likers").json()
    assert (liker["user"], liker["fullname"]) == (user.username, "Ada Wyn")
    assert liker["avatarUrl"].startswith("http://testserver/assets/avatars/")
    assert client.delete(address, headers=bearer(user)).json() == {"likes": 0, "isLiked": False}
    assert client.get(f"/api/models/{repository.full_name}/likers").json() == []


@pytest.mark.parametrize(("scope", "status"), [(Scope.READ, 403), (Scope.WRITE, 200)])
def test_a_token_that_reads_takes_no_like_back(client: Client, scope: Scope, status: int):
    repository, user = RepositoryFactory(), UserFactory()

    answer = client.delete(f"/api/models/{repository.full_name}/like", headers=bearer(user, scope))

    assert answer.status_code == status


def test_a_name_of_old_is_not_found(client: Client):
    answer = client.delete("/api/models/missing_repo_id/like", headers=bearer(UserFactory()))

    assert answer.status_code == 404
    assert answer.headers["X-Error-Code"] == "RepoNotFound"


def test_a_persons_likes_are_listed_newest_first_in_pages(client: Client):
    user = UserFactory()
    repositories = [RepositoryFactory(dataset=number == 1) for number in range(3)]
    for repository in repositories:
        like_repository(repository=repository, user=user)

    first = client.get(f"/api/users/{user.username}/likes?limit=2")
    second = client.get(first.headers["Link"].split(">")[0][1:])

    found = [row["repo"] for row in first.json() + second.json()]
    assert [row["name"] for row in found] == [repository.full_name for repository in reversed(repositories)]
    assert [row["type"] for row in found] == ["model", "dataset", "model"]
    assert "Link" not in second.headers


def test_a_persons_overview_counts_what_the_caller_sees(client: Client, django_assert_max_num_queries):
    user = UserFactory(full_name="Ada Wyn")
    organisation = OrganisationFactory(owner=user)
    secret = RepositoryFactory(user=user, private=True)
    RepositoryFactory(user=user, dataset=True)
    like_repository(repository=secret, user=user)
    fan = UserFactory()
    follow(user=fan, namespace=user.namespace)
    follow(user=user, namespace=organisation.namespace)

    with django_assert_max_num_queries(12):
        stranger = client.get(f"/api/users/{user.username}/overview").json()
    own = client.get(f"/api/users/{user.username}/overview", headers=bearer(user)).json()
    seen_by_fan = client.get(f"/api/users/{user.username}/overview", headers=bearer(fan)).json()

    assert (stranger["numModels"], stranger["numDatasets"], stranger["numLikes"]) == (0, 1, 0)
    assert (own["numModels"], own["numLikes"]) == (1, 1)
    assert (stranger["numFollowers"], stranger["numFollowing"]) == (1, 1)
    assert (stranger["type"], stranger["user"], stranger["fullname"]) == ("user", user.username, "Ada Wyn")
    assert [row["name"] for row in stranger["orgs"]] == [organisation.name]
    assert "isFollowing" not in stranger
    assert seen_by_fan["isFollowing"] is True


def test_an_organisations_overview_and_members(client: Client):
    organisation = OrganisationFactory(full_name="The Harbour", description="Boats")
    admin = organisation.members.get()
    writer = member(organisation, Role.WRITE)
    RepositoryFactory(user=admin, namespace=organisation.name)

    said = client.get(f"/api/organizations/{organisation.name}/overview").json()
    members = client.get(f"/api/organizations/{organisation.name}/members").json()

    assert (said["fullname"], said["details"], said["numUsers"], said["numModels"]) == ("The Harbour", "Boats", 2, 1)
    assert {row["user"]: row["role"] for row in members} == {admin.username: "admin", writer.username: "write"}


def test_following_people_and_organisations(client: Client):
    ada, ben = UserFactory(), UserFactory()
    organisation = OrganisationFactory()

    for address in (f"users/{ben.username}", f"organizations/{organisation.name}"):
        assert client.post(f"/api/{address}/follow", headers=bearer(ada)).json() == {"isFollowing": True}
        assert client.post(f"/api/{address}/follow", headers=bearer(ada)).status_code == 200  # Twice is once.
        assert [row["user"] for row in client.get(f"/api/{address}/followers").json()] == [ada.username]
    followed = client.get(f"/api/users/{ada.username}/following").json()
    assert {(row["user"], row["type"]) for row in followed} == {(ben.username, "user"), (organisation.name, "org")}
    client.delete(f"/api/users/{ben.username}/follow", headers=bearer(ada))
    assert Follow.objects.count() == 1


def test_nobody_follows_herself(client: Client):
    ada = UserFactory()

    answer = client.post(f"/api/users/{ada.username}/follow", headers=bearer(ada))

    assert (answer.status_code, answer.json()["code"]) == (400, "cannot_follow_self")


@pytest.mark.parametrize("what", ["overview", "likes", "followers", "following", "avatar"])
def test_nobody_is_found_under_an_organisations_name(client: Client, what: str):
    assert client.get(f"/api/users/{OrganisationFactory().name}/{what}").status_code == 404
    assert client.get(f"/api/users/nobody-here/{what}").status_code == 404


@pytest.mark.parametrize("what", ["overview", "members", "followers", "avatar"])
def test_no_organisation_is_found_under_a_persons_name(client: Client, what: str):
    assert client.get(f"/api/organizations/{UserFactory().username}/{what}").status_code == 404


def test_a_picture_is_drawn_from_the_name(client: Client):
    user = UserFactory()
    address = client.get(f"/api/users/{user.username}/avatar").json()["avatarUrl"]

    picture = client.get(address)

    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.content.count(b"<line") == 6
    assert "sandbox" in picture.headers["Content-Security-Policy"]


def test_lists_cost_the_same_queries_however_long(client: Client, django_assert_max_num_queries):
    repository = RepositoryFactory()
    for _ in range(5):
        like_repository(repository=repository, user=UserFactory())

    with django_assert_max_num_queries(3):
        assert len(client.get(f"/api/models/{repository.full_name}/likers").json()) == 5
