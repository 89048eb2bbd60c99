"""The settings pages of a repository, and the list of what was deleted lately."""

import pytest

from accounts.models import Role
from models_registry.models import FormerName, Repository
from models_registry.services.moves import move_repository
from models_registry.services.refs import create_branch
from models_registry.services.repositories import delete_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.pages import benchmark
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
PAGES = ("", "/visibility", "/names", "/danger")


@pytest.fixture
def tiny(client):
    ada = UserFactory(username="ada")
    made = RepositoryFactory(user=ada, name="tiny")
    client.force_login(ada)
    return made


@pytest.mark.parametrize("kind", ["model", "dataset", "app"])
@pytest.mark.parametrize("page", PAGES)
def test_each_page_opens_for_administrators_with_few_queries(client, page, kind, django_assert_max_num_queries):
    ada = UserFactory(username="ada")
    made = RepositoryFactory(user=ada, name="tiny", kind=kind)
    client.force_login(ada)
    prefix = {"model": "", "dataset": "/datasets", "app": "/spaces"}[kind]
    client.get(f"{prefix}/ada/tiny/settings{page}")

    with django_assert_max_num_queries(16):
        answer = client.get(f"{prefix}/{made.full_name}/settings{page}")

    assert answer.status_code == 200
    assert 'aria-current="page">Settings' in answer.content.decode()


def test_only_administrators_see_the_tab_and_the_pages(client):
    harbour = OrganisationFactory(name="harbour")
    RepositoryFactory(user=harbour.members.get(), namespace="harbour", name="tiny")
    client.force_login(member(harbour, Role.WRITE))

    assert "/harbour/tiny/settings" not in client.get("/harbour/tiny").content.decode()
    for page in PAGES:
        assert client.get(f"/harbour/tiny/settings{page}").status_code == 403
        assert client.post(f"/harbour/tiny/settings{page}", {"name": "harbour/tiny"}).status_code == 403
    assert Repository.objects.filter(name="tiny").exists()


def test_forms_without_the_secret_are_refused(tiny):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(tiny.creator)
    for page in PAGES:
        assert strict.post(f"/ada/tiny/settings{page}", {"name": "ada/tiny"}).status_code == 403
    assert Repository.objects.filter(pk=tiny.pk).exists()


def test_description_branch_and_discussions(client, tiny):
    create_branch(repository=tiny, user=tiny.creator, name="dev")

    answer = client.post("/ada/tiny/settings", {"description": " Small. ", "default_branch": "dev"})

    assert answer.url == "/ada/tiny/settings"
    row = Repository.objects.get()
    assert (row.description, row.default_branch, row.discussions_disabled) == ("Small.", "dev", True)
    assert "default_branch" in client.get("/ada/tiny/settings").content.decode()


@pytest.mark.parametrize("form", [{}, {"default_branch": "nope"}, {"default_branch": "main", "description": "x" * 301}])
def test_bad_general_settings_are_refused_at_their_field(client, tiny, form):
    answer = client.post("/ada/tiny/settings", form)

    assert answer.status_code == 400
    assert b'aria-invalid="true"' in answer.content


def test_visibility(client, tiny):
    client.post("/ada/tiny/settings/visibility", {"visibility": "private"})
    assert Repository.objects.get().is_private
    assert client.post("/ada/tiny/settings/visibility", {"visibility": "all"}).status_code == 400
    assert Repository.objects.get().is_private


def test_renaming_leads_to_the_new_page_and_lists_the_old_name(client, tiny):
    answer = client.post("/ada/tiny/settings/names", {"owner": "ada", "name": "small"})

    assert answer.url == "/ada/small"
    assert client.get("/ada/tiny")["Location"] == "/ada/small"
    html = client.get("/ada/small/settings/names").content.decode()
    assert "Free ada/tiny" in html


def test_freeing_an_old_name(client, tiny):
    client.post("/ada/tiny/settings/names", {"owner": "ada", "name": "small"})
    former = FormerName.objects.get()

    client.post("/ada/small/settings/names", {"free": former.pk})

    assert client.get("/ada/tiny").status_code == 404


@pytest.mark.parametrize("value", ["0", "x", "-1", "²", "9" * 30])
def test_freeing_what_is_no_old_name_of_it_does_nothing(client, tiny, value):
    other = RepositoryFactory(user=UserFactory(username="eve"), name="hers")
    move_repository(repository=other, user=other.creator, namespace="eve", name="his")

    for wanted in (value, str(FormerName.objects.get().pk)):
        assert client.post("/ada/tiny/settings/names", {"free": wanted}).status_code == 302
    assert FormerName.objects.get().repository_id == other.pk


def test_owners_are_where_she_may_create(client, tiny):
    mine, other = OrganisationFactory(owner=tiny.creator, name="harbour"), OrganisationFactory(name="island")

    html = client.get("/ada/tiny/settings/names").content.decode()

    assert f'<option value="{mine.name}">' in html
    assert other.name not in html
    assert client.post("/ada/tiny/settings/names", {"owner": "island", "name": "tiny"}).status_code == 400
    assert client.post("/ada/tiny/settings/names", {"owner": "harbour", "name": "tiny"}).url == "/harbour/tiny"


def test_a_taken_name_is_told_at_its_field(client, tiny):
    RepositoryFactory(user=tiny.creator, name="small")

    answer = client.post("/ada/tiny/settings/names", {"owner": "ada", "name": "small"})

    assert answer.status_code == 400
    assert "already exists" in answer.content.decode()


def test_a_name_like_a_known_one_asks_to_be_confirmed(client, tiny):
    known = RepositoryFactory(user=UserFactory(username="adaa"), name="pico-lm")
    Repository.objects.filter(pk=known.pk).update(downloads=500)
    form = {"owner": "ada", "name": "pico-lm"}

    asked = client.post("/ada/tiny/settings/names", form)
    assert asked.status_code == 400
    assert "easily taken for adaa/pico-lm" in asked.content.decode()
    assert client.post("/ada/tiny/settings/names", form | {"confirmed": "on"}).url == "/ada/pico-lm"


def test_deleting_takes_the_typed_name_and_can_be_undone(client, tiny):
    assert client.post("/ada/tiny/settings/danger", {"name": "tiny"}).status_code == 400
    assert client.post("/ada/tiny/settings/danger", {"name": "ada/tiny"}).url == "/settings/deleted"
    assert client.get("/ada/tiny").status_code == 404
    assert "ada/tiny" in client.get("/settings/deleted").content.decode()

    assert client.post(f"/settings/deleted/{tiny.pk}/restore").url == "/ada/tiny"
    assert client.get("/ada/tiny").status_code == 200
    assert "Bring ada/tiny back" not in client.get("/settings/deleted").content.decode()


def test_what_is_in_use_is_not_deleted(client, tiny):
    data = benchmark().repository
    client.force_login(data.creator)

    answer = client.post(f"/datasets/{data.full_name}/settings/danger", {"name": data.full_name})

    assert answer.status_code == 400
    assert "cannot be deleted" in answer.content.decode()


def test_with_its_name_used_again_it_comes_back_under_another(client, tiny):
    delete_repository(repository=tiny, user=tiny.creator)
    RepositoryFactory(user=tiny.creator, name="tiny")
    address = f"/settings/deleted/{tiny.pk}/restore"

    assert "Another name for ada/tiny" in client.get("/settings/deleted").content.decode()
    assert client.post(address, {"name": "tiny"}).status_code == 400
    assert client.post(address, {"name": "a b"}).status_code == 400
    assert client.post(address, {"name": "tiny-old"}).url == "/ada/tiny-old"


def test_others_see_and_restore_nothing_of_hers(client, tiny):
    harbour = OrganisationFactory(name="harbour")
    starter = member(harbour, Role.CONTRIBUTOR)
    hers = RepositoryFactory(user=starter, namespace="harbour", name="started")
    delete_repository(repository=tiny, user=tiny.creator)
    delete_repository(repository=hers, user=starter)

    for who, sees in (
        (UserFactory(), False),
        (member(harbour, Role.WRITE), False),
        (starter, True),
        (harbour.members.get(memberships__role=Role.ADMIN), True),
    ):
        client.force_login(who)
        html = client.get("/settings/deleted").content.decode()
        assert ("harbour/started" in html) == sees
        assert "ada/tiny" not in html
        if not sees:
            assert client.post(f"/settings/deleted/{hers.pk}/restore").status_code == 404
    assert not Repository.objects.filter(pk__in=[tiny.pk, hers.pk]).exists()


def test_an_empty_list_says_so(client, tiny):
    assert "Nothing was deleted lately" in client.get("/settings/deleted").content.decode()
