"""Licences of commits, and what is told when the head declares another one."""

import pytest
from django.urls import reverse

from accounts.services.follows import follow
from models_registry.models import Commit, CommitLicence, LicenceChange, WebhookDelivery
from models_registry.services import releases
from models_registry.services.licensing import changes, declared
from models_registry.services.webhooks import Watch, create_webhook
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def card(licence: str) -> dict[str, bytes | str]:
    return {"README.md": f"---\nlicense: {licence}\n---\n# Tiny\n" if licence else "# Tiny\n"}


def with_licences(*licences: str):
    repository = RepositoryFactory()
    commits = [put(repository, card(licence) | {"x": licence or "-"}) for licence in licences]
    repository.refresh_from_db()
    return repository, commits


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        ("mit", "gpl-3.0", "stricter"),
        ("cc-by-nc-4.0", "apache-2.0", "freer"),
        ("gemma", "mit", "freer"),
        ("mit", "apache-2.0", "other"),
        ("gemma", "cc-by-nc-4.0", "other"),
        ("mit", "a-licence-of-ours", "other"),
        ("", "cc-by-nc-4.0", "freer"),
        ("mit", "", "stricter"),
    ],
)
def test_freer_or_stricter(old, new, way):
    assert changes.way_of(old, new) == way


def test_spelling_alone_is_no_change():
    assert changes.step("MIT", "mit ") is None
    assert changes.step("", "") is None


def test_each_commit_has_its_own_licence():
    repository, (first, second, third) = with_licences("mit", "", "gpl-3.0")

    assert [declared.licence_of(repository, commit) for commit in (first, second, third)] == ["mit", "", "gpl-3.0"]


def test_commits_from_before_are_read_once_and_kept(django_assert_num_queries):
    _repository, commits = with_licences("mit", "", "gpl-3.0")
    _other, more = with_licences("apache-2.0")
    CommitLicence.objects.all().delete()
    commits = list(Commit.objects.filter(pk__in=[row.pk for row in commits + more]).order_by("pk"))

    found = declared.licences_of(commits)

    assert [found[row.pk] for row in commits] == ["mit", "", "gpl-3.0", "apache-2.0"]
    with django_assert_num_queries(1):
        assert declared.licences_of(commits) == found


def test_a_broken_card_declares_nothing():
    repository = RepositoryFactory()
    commit = Commit.objects.get(repository=repository)
    CommitLicence.objects.all().delete()

    assert declared.licence_of(repository, commit) == repository.licence


def test_a_change_is_noted_and_told_to_webhooks():
    repository, _ = with_licences("mit")
    create_webhook(
        user=repository.creator, url="https://hook.invalid/x", watched=[Watch("model", repository.full_name)]
    )

    commit = put(repository, card("gpl-3.0"))

    row = LicenceChange.objects.get(commit=commit.oid)
    assert (row.old, row.new, row.way) == ("mit", "gpl-3.0", "stricter")
    (delivery,) = WebhookDelivery.objects.filter(scope="repo.licence")
    assert delivery.payload["licence"] == {"old": "mit", "new": "gpl-3.0", "way": "stricter", "commit": commit.oid}
    put(repository, {"notes.txt": "no news"})
    assert LicenceChange.objects.filter(repository=repository).latest("pk") == row


def test_the_first_commit_changes_nothing():
    repository, _ = with_licences("mit")
    first = Commit.objects.filter(repository=repository).earliest("pk")

    assert not LicenceChange.objects.filter(commit=first.oid).exists()


def test_releases_are_compared_with_the_one_below_that_stands():
    repository, _ = with_licences("mit")
    user = repository.creator
    releases.create_release(repository=repository, user=user, name="v1.0.0")
    put(repository, card("cc-by-nc-4.0"))
    yanked = releases.create_release(repository=repository, user=user, name="v1.1.0")
    releases.yank(release=yanked, user=user, reason="Wrong licence.")
    put(repository, card("mit") | {"new.txt": "new"})
    releases.create_release(repository=repository, user=user, name="v1.2.0")
    rows = list(repository.releases.newest_first().select_related("commit"))

    found = {row.name: changes.between_releases(rows)[row.pk] for row in rows}

    assert found["v1.0.0"] is None
    assert found["v1.1.0"] == changes.Step("mit", "cc-by-nc-4.0")
    assert found["v1.2.0"] is None


def test_followers_and_those_who_like_it_hear_of_it_but_nobody_of_what_she_may_not_see(client):
    reader = UserFactory()
    shown, _ = with_licences("mit", "gpl-3.0")
    hidden = RepositoryFactory(private=True, user=shown.creator)
    put(hidden, card("mit"))
    put(hidden, card("gpl-3.0"))
    follow(user=reader, namespace=shown.namespace)

    found = list(LicenceChange.objects.of_interest_to(reader))

    assert {row.repository for row in found} == {shown}
    assert not LicenceChange.objects.of_interest_to(UserFactory()).exists()
    client.force_login(reader)
    page = client.get(reverse("mentions")).content.decode()
    assert shown.full_name in page
    assert hidden.full_name not in page


def test_pages_and_api_show_the_change(client):
    repository, (first, second) = with_licences("mit", "gpl-3.0")
    user = repository.creator
    releases.create_release(repository=repository, user=user, name="v1.0.0", revision=first.oid)
    releases.create_release(repository=repository, user=user, name="v2.0.0", revision=second.oid)

    timeline = client.get(f"/{repository.full_name}/releases").content.decode()
    compared = client.get(f"/{repository.full_name}/compare/v1.0.0..v2.0.0").content.decode()
    listed = client.get(f"/api/v1/repositories/models/{repository.full_name}/releases").json()["items"]
    told = client.get(f"/api/v1/repositories/models/{repository.full_name}/compare/v1.0.0..v2.0.0").json()
    pinned = client.get(f"/api/v1/repositories/models/{repository.full_name}/manifest/v1.0.0").json()

    assert timeline.count("stricter") == 1
    assert "stricter" in compared
    assert [row["licence"] for row in listed] == ["gpl-3.0", "mit"]
    assert told["licence"] == {"old": "mit", "new": "gpl-3.0", "way": "stricter"}
    assert (pinned["licence"], pinned["licence_class"]) == ("mit", "permissive")
