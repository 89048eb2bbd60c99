"""A model or data set without a licence is a draft: it answers at its address and is offered to nobody."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache

from accounts.models import Role
from evaluation.models import Standing
from models_registry.models import Kind, Repository, Visibility
from models_registry.services import releases, repositories
from models_registry.services.revisions import latest_release
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.pages import benchmark, measured
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()
CARD = "---\nlicense: {}\n---\n# Tide\n"


@pytest.fixture
def draft():
    return RepositoryFactory(draft=True, name="tide")


@pytest.mark.parametrize("licence", ["mit", "[mit, cc0-1.0]", "other", "MIT OR GPL-3.0-only", "LicenseRef-Harbour"])
def test_any_licence_ends_a_draft(draft, licence):
    assert draft.is_draft
    put(draft, {"README.md": CARD.format(licence)})
    draft.refresh_from_db()
    assert not draft.is_draft


@pytest.mark.parametrize("licence", ["", "unknown", "None", "NOASSERTION", "[]", "~", "7", "{a: b}"])
def test_to_say_that_nobody_knows_is_not_to_say(licence):
    repository = RepositoryFactory()
    put(repository, {"README.md": CARD.format(licence)})
    repository.refresh_from_db()
    assert repository.is_draft


def test_an_app_is_no_draft_and_a_data_set_is():
    assert not RepositoryFactory(draft=True, kind=Kind.APP).is_draft
    assert RepositoryFactory(draft=True, kind=Kind.DATASET).is_draft


def test_a_draft_is_listed_to_those_who_may_write_it_alone(draft):
    organisation = OrganisationFactory()
    writer, reader, helper = (member(organisation, role) for role in (Role.WRITE, Role.READ, Role.CONTRIBUTOR))
    shared = RepositoryFactory(draft=True, user=helper, namespace=organisation.name)

    def sees(user):
        return set(Repository.objects.listed_to(user))

    assert sees(NOBODY) == sees(UserFactory()) == sees(reader) == set()
    assert sees(draft.creator) == {draft}
    assert sees(writer) == sees(helper) == {shared}
    assert sees(UserFactory(is_admin=True)) == {draft, shared}
    assert set(Repository.objects.visible_to(NOBODY)) == {draft, shared}


@pytest.mark.parametrize(
    "address",
    ["/api/models", "/api/v1/repositories/models", "/models", "/search?q=tide", "/{0}", "/api/models?author={0}"],
)
def test_lists_leave_drafts_out_for_others_and_show_them_to_their_author(client, draft, address):
    cache.clear()
    address = address.format(draft.namespace.name)
    shown = f"{draft.namespace.name}/tide"

    assert shown not in client.get(address, follow=True).content.decode().replace("<wbr>", "").replace("</span><b>", "")
    client.force_login(draft.creator)
    assert "tide" in client.get(address, follow=True).content.decode()


def test_a_draft_answers_at_its_address_and_says_what_it_is(client, draft):
    page = client.get(f"/{draft.full_name}").content.decode()
    assert "A draft: no licence is declared." in page
    assert "/settings/licence" not in page
    assert client.get(f"/api/models/{draft.full_name}").status_code == 200
    assert client.get(f"/{draft.full_name}/resolve/main/.gitattributes").status_code == 200
    assert client.get(f"/api/v1/repositories/models/{draft.full_name}").json()["draft"] is True
    assert client.get(f"/api/v1/repositories/models/{draft.full_name}/manifest/main").json()["draft"] is True

    client.force_login(draft.creator)
    assert f"/{draft.full_name}/settings/licence" in client.get(f"/{draft.full_name}").content.decode()


def test_a_private_repository_without_a_licence_is_told_of_it_when_it_becomes_public(client):
    repository = RepositoryFactory(draft=True, private=True)
    client.force_login(repository.creator)
    assert "A draft:" not in client.get(f"/{repository.full_name}").content.decode()
    assert client.get(f"/api/v1/repositories/models/{repository.full_name}").json()["draft"] is False

    repositories.set_visibility(repository=repository, user=repository.creator, visibility=Visibility.PUBLIC)

    assert "A draft:" in client.get(f"/{repository.full_name}").content.decode()
    assert repository not in Repository.objects.listed_to(NOBODY)


def test_latest_does_not_move_to_a_release_of_a_draft():
    repository = RepositoryFactory(name="tide")
    author = repository.creator
    first = releases.create_release(repository=repository, user=author, name="v1.0.0")
    put(repository, {"README.md": "# Tide\n"})
    second = releases.create_release(repository=repository, user=author, name="v2.0.0")

    assert (first.is_draft, second.is_draft) == (False, True)
    assert latest_release(repository) == first

    put(repository, {"README.md": CARD.format("mit")})
    third = releases.create_release(repository=repository, user=author, name="v3.0.0")
    assert latest_release(repository) == third


def test_a_private_repository_releases_what_it_likes():
    repository = RepositoryFactory(draft=True, private=True)
    made = releases.create_release(repository=repository, user=repository.creator, name="v1.0.0")
    assert latest_release(repository) == made


def test_no_board_shows_a_draft_to_others():
    repository = RepositoryFactory(draft=True)
    put(repository, {"config.json": "{}"})
    repository.refresh_from_db()
    measured(repository, {benchmark(): 0.8})

    assert Standing.objects.filter(repository=repository).exists()
    assert not Standing.objects.public().filter(repository=repository).exists()
    assert not Standing.objects.visible_to(NOBODY).filter(repository=repository).exists()
    assert Standing.objects.visible_to(repository.creator).filter(repository=repository).exists()


def test_a_repository_can_be_made_with_its_licence():
    repository = RepositoryFactory(licence="MIT OR Apache-2.0")
    assert repository.licence == "MIT OR Apache-2.0"
    assert repository.card == {"license": "MIT OR Apache-2.0"}
