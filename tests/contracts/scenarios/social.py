"""Likes, overviews, collections."""

import urllib.request

from world import World, refusal, status, tries


def like(world: World, name: str, token: str) -> None:
    """Clients of today can only take a like back; pages give it."""
    request = urllib.request.Request(f"{world.endpoint}/api/models/{name}/like", method="POST")
    request.add_header("Authorization", f"Bearer {token}")
    urllib.request.urlopen(request).close()


@tries("unlike", "list_liked_repos", "list_repo_likers")
def likes_are_counted_listed_and_taken_back(world: World) -> None:
    name = world.repo()
    like(world, name, world.eve_token)
    assert world.api.model_info(name).likes == 1
    assert [each.username for each in world.api.list_repo_likers(name)] == [world.eve]
    assert name in world.other.list_liked_repos().models
    assert name in world.api.list_liked_repos(world.eve).models
    world.other.unlike(name)
    assert name not in world.other.list_liked_repos().models
    assert world.api.model_info(name).likes == 0


@tries("get_user_overview", "list_user_followers", "list_user_following")
def people_are_told_of(world: World) -> None:
    world.repo()
    told = world.api.get_user_overview(world.ada)
    assert told.username == world.ada
    assert told.num_models >= 1
    assert world.organisation in [each.name for each in told.orgs]
    assert list(world.api.list_user_followers(world.ada)) == []
    assert list(world.api.list_user_following(world.ada)) == []
    assert status(lambda: world.api.get_user_overview("nobody-of-that-name")) == 404


@tries("get_organization_overview", "list_organization_members", "list_organization_followers")
def organisations_are_told_of(world: World) -> None:
    told = world.api.get_organization_overview(world.organisation)
    assert (told.name, told.num_users) == (world.organisation, 1)
    assert [each.username for each in world.api.list_organization_members(world.organisation)] == [world.ada]
    assert list(world.api.list_organization_followers(world.organisation)) == []


@tries("create_collection", "get_collection", "list_collections", "update_collection_metadata", "delete_collection")
def a_collection_is_made_changed_and_deleted(world: World) -> None:
    made = world.api.create_collection("Good ones", description="Small and good")
    assert made.slug.startswith(f"{world.ada}/good-ones-")
    assert made.description == "Small and good"
    assert status(lambda: world.api.create_collection("Good ones", description="Small and good")) == 409
    again = world.api.create_collection("Good ones", description="Small and good", exists_ok=True)
    assert again.slug == made.slug
    assert made.slug in [each.slug for each in world.api.list_collections(owner=world.ada)]
    world.api.update_collection_metadata(made.slug, title="Better ones", private=True, theme="pink")
    told = world.api.get_collection(made.slug)
    assert (told.title, told.private, told.theme) == ("Better ones", True, "pink")
    assert status(lambda: world.other.get_collection(made.slug)) == 404
    world.api.delete_collection(made.slug)
    assert status(lambda: world.api.delete_collection(made.slug)) == 404
    world.api.delete_collection(made.slug, missing_ok=True)


@tries("add_collection_item", "update_collection_item", "delete_collection_item")
def items_are_added_moved_and_taken_out(world: World) -> None:
    slug = world.api.create_collection("Items").slug
    first, second = world.repo(), world.repo("dataset")
    world.api.add_collection_item(slug, item_id=first, item_type="model", note="Mine")
    told = world.api.add_collection_item(slug, item_id=second, item_type="dataset")
    assert [(each.item_id, each.item_type) for each in told.items] == [(first, "model"), (second, "dataset")]
    assert told.items[0].note == "Mine"
    assert status(lambda: world.api.add_collection_item(slug, item_id=first, item_type="model")) == 409
    world.api.add_collection_item(slug, item_id=first, item_type="model", exists_ok=True)
    world.api.update_collection_item(slug, told.items[1].item_object_id, position=0, note="First now")
    told = world.api.get_collection(slug)
    assert [each.item_id for each in told.items] == [second, first]
    assert slug in [each.slug for each in world.api.list_collections(item=f"models/{first}")]
    world.api.delete_collection_item(slug, told.items[0].item_object_id)
    assert [each.item_id for each in world.api.get_collection(slug).items] == [first]
    assert refusal(lambda: world.other.delete_collection_item(slug, told.items[1].item_object_id)) != ""
