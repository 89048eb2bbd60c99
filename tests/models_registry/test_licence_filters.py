"""The filter by licence in every list of repositories, and drafts that lists do not show."""

import pytest
from django.core.cache import cache

from evaluation.models import Standing
from models_registry.models import Kind, Repository
from models_registry.services.collections import add_item, create_collection
from models_registry.services.likes import like_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, bearer
from tests.factories.pages import benchmark, measured
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def three(owner):
    """One under a choice of two licences, one not for sale, and a draft, of one owner."""
    return [
        RepositoryFactory(user=owner, name="choice", licence="MIT OR GPL-3.0-only"),
        RepositoryFactory(user=owner, name="gratis", licence="cc-by-nc-4.0"),
        RepositoryFactory(user=owner, name="sketch", draft=True),
    ]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("license:mit", ["choice"]),
        ("license:GPL-3.0-only", ["choice"]),
        ("license:gpl-3.0", ["choice"]),
        ("license:cc-by-nc-4.0", ["gratis"]),
        ("license:non-commercial", ["gratis"]),
        ("license:nothing-like-it", []),
        ("license:mit,license:cc-by-nc-4.0", []),
    ],
)
def test_the_wires_filter_by_tag_knows_spellings_classes_and_choices(client, three, asked, names):
    found = client.get("/api/models", {"filter": asked}).json()
    assert sorted(row["id"].split("/")[1] for row in found) == names


def test_a_tag_that_is_written_as_the_card_has_it_is_found_as_before(client):
    model = RepositoryFactory(name="own")
    put(model, {"README.md": "---\nlicense: other\nlicense_name: harbour-1\n---\n"})
    found = client.get("/api/models", {"filter": "license:other"}).json()
    assert [row["id"] for row in found] == [model.full_name]


@pytest.mark.parametrize("kind", [Kind.MODEL, Kind.DATASET])
def test_the_page_of_a_name_is_narrowed_by_licence(client, owner, kind):
    for name, licence in (("free", "mit"), ("gratis", "cc-by-nc-4.0")):
        RepositoryFactory(user=owner, kind=kind, name=name, licence=licence)
    tab = "datasets" if kind == Kind.DATASET else "models"

    html = client.get(f"/{owner.username}", {"kind": tab, "licence": "permissive"}).content.decode()

    assert f"{owner.username}/free" in html
    assert f"{owner.username}/gratis" not in html
    assert '<option value="permissive" selected>' in html
    empty = client.get(f"/{owner.username}", {"kind": tab, "licence": "copyleft"}).content.decode()
    assert "None is under this licence" in empty


def test_likes_and_collections_are_narrowed_by_licence_and_show_no_drafts(client, owner, three):
    fan = UserFactory()
    collected = create_collection(user=fan, namespace=fan.namespace, title="All")
    for each in three:
        like_repository(repository=each, user=fan)
        add_item(collection=collected, user=fan, repository=each)
    pages = (f"/{fan.username}?kind=likes&licence=", f"/collections/{collected.slug}?licence=")
    for page in pages:
        whole, some = (client.get(page + value).content.decode() for value in ("", "non-commercial"))
        assert "choice" in whole
        assert "gratis" in whole
        assert "sketch" not in whole
        assert f"{owner.username}/gratis" in some
        assert f"{owner.username}/choice" not in some
    listed = [three[1].full_name, three[0].full_name]
    likes = f"/api/users/{fan.username}/likes"
    assert [row["repo"]["name"] for row in client.get(likes).json()] == listed
    client.force_login(fan)
    assert "sketch" in client.get(pages[0]).content.decode(), "she knows what she liked"
    mine = client.get(likes, headers=bearer(fan)).json()
    assert [row["repo"]["name"] for row in mine] == [three[2].full_name, *listed]
    client.force_login(owner)
    for page in pages:
        assert "sketch" in client.get(page).content.decode()


def test_counts_beside_lists_leave_drafts_out(client, owner):
    cache.clear()
    put(RepositoryFactory(user=owner, draft=True), {"README.md": "---\nlicense: noassertion\n---\n"})
    RepositoryFactory(user=owner, licence="mit")
    html = client.get("/models").content.decode()
    assert 'value="mit"' in html
    assert 'value="noassertion"' not in html


def test_boards_and_need_find_each_licence_of_a_choice(client, three):
    core = benchmark(language=["en"])
    measured(three[0], {core: 0.7})
    measured(three[1], {core: 0.8})
    assert Standing.objects.count() == 2

    def models(address, **asked):
        return [row["model"] for row in client.get(address, asked).json()["items"]]

    board = f"/api/v1/leaderboards/benchmarks/{core.key}"
    need = "/api/v1/models/find"
    for licence in ("gpl-3.0", "MIT", "permissive"):
        assert models(board, licence=licence) == [three[0].full_name]
        assert models(need, task="text-generation", licence=licence) == [three[0].full_name]


def test_benchmarks_are_narrowed_by_the_licence_of_their_data(client):
    free, gratis = benchmark("free"), benchmark("gratis")
    put(gratis.repository, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})

    found = client.get("/api/v1/benchmarks", {"licence": "non-commercial"}).json()

    assert [row["benchmark"] for row in found["items"]] == ["gratis"]
    assert Repository.objects.filter(pk=free.repository_id).exists()


def test_an_organisations_list_is_narrowed_as_well(client):
    organisation = OrganisationFactory()
    member = organisation.memberships.get().user
    for name, licence in (("free", "mit"), ("gratis", "cc-by-nc-4.0")):
        RepositoryFactory(user=member, namespace=organisation.name, name=name, licence=licence)
    html = client.get(f"/{organisation.name}", {"licence": "cc-by-nc-4.0"}).content.decode()
    assert "/gratis" in html
    assert f"{organisation.name}/free" not in html
