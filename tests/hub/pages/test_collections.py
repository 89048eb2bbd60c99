"""The pages of collections: made, filled, ordered and deleted by forms alone."""

import pytest

from accounts.models import Role
from models_registry.models import Collection
from models_registry.services.collections import add_item, create_collection, update_collection
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def collection(user=None, *names: str, **more) -> Collection:
    user = user or UserFactory()
    found = create_collection(user=user, namespace=user.namespace, title=more.pop("title", "Small ones"), **more)
    for name in names:
        add_item(collection=found, user=user, repository=RepositoryFactory(user=user, name=name))
    return found


def order(found: Collection) -> list[str]:
    return [item.repository.name for item in found.items.order_by("position")]


def test_a_collection_is_started_with_its_first_item(client):
    user, repository = UserFactory(), RepositoryFactory(name="pico")
    client.force_login(user)

    answer = client.post(
        "/collections/new",
        {
            "owner": user.username,
            "title": "Small ones",
            "theme": "blue",
            "kind": "model",
            "name": repository.full_name,
        },
    )

    made = Collection.objects.get()
    assert answer.url == f"/collections/{made.slug}"
    assert (order(made), made.theme) == (["pico"], "blue")


def test_a_second_one_of_the_title_is_told_at_the_field(client):
    found = collection()
    client.force_login(found.creator)

    answer = client.post("/collections/new", {"owner": found.creator.username, "title": "small ones", "theme": "blue"})

    assert answer.status_code == 400
    assert b"already has a collection" in answer.content


def test_nobody_starts_one_for_others(client):
    client.force_login(UserFactory())

    answer = client.post("/collections/new", {"owner": OrganisationFactory().name, "title": "Theirs", "theme": "blue"})

    assert answer.status_code == 400
    assert not Collection.objects.exists()


def test_items_move_up_and_down_by_buttons(client):
    found = collection(None, "a", "b", "c")
    client.force_login(found.creator)
    item = found.items.get(repository__name="b")
    address = f"/collections/{found.slug}/items/{item.public_id}"

    assert client.post(address, {"do": "0"}).url == f"/collections/{found.slug}#items"
    assert order(found) == ["b", "a", "c"]
    client.post(address, {"do": "1"})
    assert order(found) == ["a", "b", "c"]
    assert client.post(address, {"position": "2"}, headers={"X-Requested-With": "fetch"}).status_code == 204
    assert order(found) == ["a", "c", "b"]


def test_notes_are_kept_and_shown(client):
    found = collection(None, "a")
    client.force_login(found.creator)
    client.post(
        f"/collections/{found.slug}/items/{found.items.get().public_id}", {"do": "note", "note": "Fits <b>phones</b>"}
    )
    client.logout()

    assert b"Fits &lt;b&gt;phones" in client.get(f"/collections/{found.slug}").content


def test_items_are_taken_out(client):
    found = collection(None, "a", "b")
    client.force_login(found.creator)

    client.post(f"/collections/{found.slug}/items/{found.items.get(position=0).public_id}", {"do": "remove"})

    assert order(found) == ["b"]


@pytest.mark.parametrize("do", ["", "sideways", "-1", "9" * 30, "²"])
def test_odd_buttons_change_nothing(client, do):
    found = collection(None, "a", "b")
    client.force_login(found.creator)

    client.post(f"/collections/{found.slug}/items/{found.items.get(position=0).public_id}", {"do": do})

    assert order(found) == ["a", "b"]


def test_what_to_add_is_found_by_name_and_added(client):
    found = collection(None, "inside-tides")
    wanted = RepositoryFactory(name="outside-tides", dataset=True)
    RepositoryFactory(name="secret-tides", private=True)
    client.force_login(found.creator)

    suggested = client.get(f"/collections/{found.slug}?find=tides", headers={"HX-Request": "true"}).content.decode()
    assert "outside-tides" in suggested
    assert "inside-tides" not in suggested
    assert "secret-tides" not in suggested
    client.post(f"/collections/{found.slug}/add", {"kind": "dataset", "name": wanted.full_name})

    assert order(found) == ["inside-tides", "outside-tides"]


@pytest.mark.parametrize("fields", [{}, {"kind": "model", "name": "no/thing"}, {"kind": "x", "name": "a/b"}])
def test_what_is_not_there_cannot_be_added(client, fields):
    found = collection()
    client.force_login(found.creator)

    assert client.post(f"/collections/{found.slug}/add", fields).status_code == 404


def test_a_second_time_is_told_and_changes_nothing(client):
    found = collection(None, "a")
    client.force_login(found.creator)
    fields = {"kind": "model", "name": found.items.get().repository.full_name}

    answer = client.post(f"/collections/{found.slug}/add", fields, follow=True)

    assert b"is in this collection already" in answer.content
    assert found.items.count() == 1


def test_title_and_visibility_are_edited_in_place_and_old_addresses_lead_on(client):
    found = collection()
    client.force_login(found.creator)

    answer = client.post(f"/collections/{found.slug}/edit", {"title": "Tiny ones", "theme": "pink", "is_private": "on"})

    changed = Collection.objects.get()
    assert answer.url == f"/collections/{changed.slug}"
    assert (changed.title, changed.is_private) == ("Tiny ones", True)
    assert client.get(f"/collections/{found.slug}").url == answer.url
    client.logout()
    assert client.get(answer.url).status_code == 404


def test_deleting_asks_first(client):
    found = collection(None, "a")
    client.force_login(found.creator)

    assert b"Keep it" in client.get(f"/collections/{found.slug}/delete").content
    assert Collection.objects.exists()
    client.post(f"/collections/{found.slug}/delete")
    assert not Collection.objects.exists()


def test_who_may_not_change_it_sees_no_forms(client):
    organisation = OrganisationFactory()
    found = create_collection(user=organisation.members.get(), namespace=organisation.namespace, title="Ours")
    client.force_login(member(organisation, Role.READ))

    page = client.get(f"/collections/{found.slug}").content

    assert b"Add an item" not in page
    assert b"Delete the collection" not in page


def test_a_repository_is_collected_from_its_page(client):
    repository, found = model(name="pico"), collection()
    client.force_login(found.creator)
    address = f"/collections/choose?kind=model&name={repository.full_name}"

    assert f'href="{address.replace("&", "&amp;")}"' in client.get(f"/{repository.full_name}").content.decode()
    assert b"Add to Small ones" in client.get(address).content
    add_item(collection=found, user=found.creator, repository=repository)
    assert b"is in it" in client.get(address).content


def test_the_list_is_searched_and_ordered(client):
    collection(title="Old birds"), collection(title="New birds"), collection(title="Fishes")
    update_collection(
        collection=Collection.objects.get(title="Old birds"), user=Collection.objects.get(title="Old birds").creator
    )

    page = client.get("/collections?q=birds").content.decode()

    assert page.index("Old birds") < page.index("New birds")
    assert "Fishes" not in page


def test_measured_models_show_their_score_in_a_collection(client):
    user = UserFactory()
    found = collection(user)
    repository = model(user=user, name="pico")
    measured(repository, {benchmark(): 0.749})
    add_item(collection=found, user=user, repository=repository)

    assert b"74.9" in client.get(f"/collections/{found.slug}").content


def test_queries_do_not_grow_with_items_or_collections(client, django_assert_max_num_queries):
    user = UserFactory()
    found = collection(user, *"abcdef")
    collection(user, title="Other")
    client.force_login(user)

    with django_assert_max_num_queries(16):
        client.get(f"/collections/{found.slug}?find=x")
    with django_assert_max_num_queries(6):
        client.get("/collections")
