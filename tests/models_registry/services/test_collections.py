"""Collections: who may, one of each title, and items that keep their order."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from accounts.exceptions import NotAMember
from accounts.models import Role
from models_registry.exceptions import (
    CollectionExists,
    CollectionForbidden,
    CollectionItemExists,
    CollectionItemNotFound,
    CollectionNotFound,
    InvalidCollection,
    RepositoryNotFound,
)
from models_registry.models import Collection, CollectionItem, Visibility
from models_registry.services import collections as services
from models_registry.services.repositories import set_visibility
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def collection(user=None, **more) -> Collection:
    user = user or UserFactory()
    return services.create_collection(
        user=user, namespace=user.namespace, title=more.pop("title", "Small ones"), **more
    )


def names(found: Collection) -> list[str]:
    return [item.repository.name for item in found.items.order_by("position")]


def filled(*wanted: str) -> Collection:
    found = collection()
    for name in wanted:
        services.add_item(
            collection=found, user=found.creator, repository=RepositoryFactory(user=found.creator, name=name)
        )
    return found


def test_a_title_is_given_once_in_a_namespace_and_the_refusal_names_the_other():
    first = collection(title="Small ones")

    with pytest.raises(CollectionExists) as refused:
        collection(first.creator, title="small  ONES")

    assert refused.value.wire_body == {"slug": first.slug}


def test_the_slug_follows_the_title_and_ends_in_the_id():
    found = collection(title="Für Häfen & Seen")

    assert found.slug == f"{found.namespace.name}/fur-hafen-seen-{found.public_id}"
    assert collection(title="小模型").short_slug.startswith("collection-")


def test_items_keep_an_order_without_gaps():
    found = filled("a", "b", "c", "d")
    item = found.items.get(repository__name="d")

    services.update_item(collection=found, user=found.creator, item_id=item.public_id, position=1)
    assert names(found) == ["a", "d", "b", "c"]
    services.remove_item(collection=found, user=found.creator, item_id=found.items.get(position=0).public_id)

    assert names(found) == ["d", "b", "c"]
    assert list(found.items.values_list("position", flat=True)) == [0, 1, 2]


def test_a_place_past_the_end_is_the_end():
    found = filled("a", "b", "c")

    services.update_item(
        collection=found, user=found.creator, item_id=found.items.get(position=0).public_id, position=99
    )

    assert names(found) == ["b", "c", "a"]


@pytest.mark.parametrize("position", [-1, True, "1", 1.5, 2**40])
def test_a_place_is_a_whole_number(position):
    found = filled("a")

    with pytest.raises(InvalidCollection):
        services.update_item(
            collection=found, user=found.creator, item_id=found.items.get().public_id, position=position
        )


def test_nothing_is_in_twice():
    found = filled("a")

    with pytest.raises(CollectionItemExists):
        services.add_item(collection=found, user=found.creator, repository=found.items.get().repository)


def test_a_collection_does_not_hold_itself():
    found = collection()

    with pytest.raises(InvalidCollection):
        services.add_item(collection=found, user=found.creator, nested=found)


def test_an_unknown_item_is_told():
    found = filled("a")

    with pytest.raises(CollectionItemNotFound):
        services.remove_item(collection=found, user=found.creator, item_id="0" * 24)


def test_what_one_may_not_see_cannot_be_collected():
    found = collection()

    with pytest.raises(RepositoryNotFound):
        services.add_item(collection=found, user=found.creator, repository=RepositoryFactory(private=True))


def test_items_that_became_private_are_left_out_for_others_and_stay_for_members():
    found = filled("a", "b")
    set_visibility(repository=found.items.get(position=0).repository, user=found.creator, visibility=Visibility.PRIVATE)

    assert [item.repository.name for item in CollectionItem.objects.visible_to(AnonymousUser())] == ["b"]
    assert CollectionItem.objects.visible_to(found.creator).count() == 2


def test_a_deleted_repository_leaves_the_collection():
    found = filled("a", "b")

    found.items.get(position=0).repository.delete()

    assert names(found) == ["b"]


def test_a_private_collection_is_there_for_members_alone():
    organisation = OrganisationFactory()
    admin = organisation.members.get()
    found = services.create_collection(user=admin, namespace=organisation.namespace, title="Plans", is_private=True)

    assert Collection.objects.visible_to(member(organisation, Role.READ)).count() == 1
    assert Collection.objects.visible_to(UserFactory()).count() == 0
    with pytest.raises(CollectionNotFound):
        services.upvote(collection=found, user=UserFactory())
    with pytest.raises(CollectionNotFound):
        services.delete_collection(collection=found, user=UserFactory())


@pytest.mark.parametrize(
    ("role", "own", "others"), [("admin", True, True), ("write", True, True), ("contributor", True, False)]
)
def test_roles_say_who_changes_a_collection(role, own, others):
    organisation = OrganisationFactory()
    person = member(organisation, Role(role))
    hers = services.create_collection(user=person, namespace=organisation.namespace, title="Hers")
    other = services.create_collection(
        user=organisation.members.exclude(pk=person.pk).get(), namespace=organisation.namespace, title="Other"
    )

    assert services.may_curate(person, hers) is own
    assert services.may_curate(person, other) is others


def test_who_only_reads_starts_no_collection():
    organisation = OrganisationFactory()

    with pytest.raises(NotAMember):
        services.create_collection(user=member(organisation, Role.READ), namespace=organisation.namespace, title="Mine")


def test_a_stranger_is_refused():
    with pytest.raises(CollectionForbidden):
        services.update_collection(collection=collection(), user=UserFactory(), title="Taken over")


@pytest.mark.parametrize("title", ["", "   ", "x" * 121])
def test_a_title_has_some_letters_and_an_end(title):
    with pytest.raises(InvalidCollection):
        collection(title=title)


def test_upvotes_count_once():
    found, user = collection(), UserFactory()

    for _ in range(2):
        services.upvote(collection=found, user=user)
    found.refresh_from_db()
    assert found.upvotes == 1
    for _ in range(2):
        services.withdraw_upvote(collection=found, user=user)
    found.refresh_from_db()
    assert found.upvotes == 0


@pytest.mark.django_db(transaction=True)
def test_items_added_at_once_get_places_of_their_own():
    found = collection()
    repositories = [RepositoryFactory(user=found.creator) for _ in range(6)]

    def add(repository) -> None:
        try:
            services.add_item(collection=found, user=found.creator, repository=repository)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, repositories))

    assert sorted(found.items.values_list("position", flat=True)) == list(range(6))
