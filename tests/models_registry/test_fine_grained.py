"""Fine-grained tokens: rights × places × what is asked, held against the rule said once more; lists agree."""

import itertools

import pytest
from django.test import Client
from django.utils import timezone

from accounts.grants import Grant, Grants, Right, grant
from accounts.models import Namespace, Role, Scope, User
from models_registry import permissions
from models_registry.exceptions import RepositoryNotFound
from models_registry.models import AccessRequest, AccessState, Kind, Repository, Visibility
from models_registry.permissions import Action, can, require
from models_registry.services.repositories import create_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, fine_bearer, member
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db

NEEDS = {Action.READ: Right.READ, Action.WRITE: Right.WRITE, Action.ADMINISTER: Right.ADMINISTER}
LADDER = [Right.READ, Right.WRITE, Right.ADMINISTER]
PLACES = ("this repository", "its namespace", "another repository", "another namespace", "everywhere")


def narrowed(user: User, *given: Grant) -> User:
    """The person as the middleware leaves her after a fine-grained token."""
    found = User.objects.get(pk=user.pk)
    found.scope = Scope.FINE
    found.grants = Grants(given)
    return found


def given(place: str, right: Right, repository: Repository, other: Repository, elsewhere: Namespace) -> Grant:
    if place == "everywhere":
        return grant([Right.GATED])
    targets = {
        "this repository": {"repository": repository.public_id},
        "its namespace": {"namespace": repository.namespace_id},
        "another repository": {"repository": other.public_id},
        "another namespace": {"namespace": elsewhere.pk},
    }
    return grant([right], **targets[place])


def rule(role: str, visibility: str, place: str, right: Right, action: Action) -> bool:
    """May she? Her role must allow it, and so must her token."""
    reads, writes, administers = {
        "stranger": (False, False, False),
        "read": (True, False, False),
        "write": (True, True, False),
        "admin": (True, True, True),
        "owner of the site": (True, True, True),
    }[role]
    if action is Action.READ and visibility == "public":
        return True
    by_role = {Action.READ: reads, Action.WRITE: writes, Action.ADMINISTER: administers}[action]
    covered = place in {"this repository", "its namespace"}
    return by_role and covered and LADDER.index(right) >= LADDER.index(NEEDS[action])


def test_every_cell_of_roles_places_rights_and_actions():
    organisation = OrganisationFactory()
    admin = organisation.members.get()
    people = {
        "stranger": UserFactory(),
        "read": member(organisation, Role.READ),
        "write": member(organisation, Role.WRITE),
        "admin": admin,
        "owner of the site": UserFactory(is_admin=True),
    }
    elsewhere = OrganisationFactory(owner=admin).namespace
    cells, wrong = 0, []
    for visibility in Visibility:
        repository = create_repository(
            user=admin, namespace=organisation.name, name=f"x-{visibility}", kind=Kind.MODEL, visibility=visibility
        )
        other = create_repository(
            user=admin, namespace=organisation.name, name=f"y-{visibility}", kind=Kind.MODEL, visibility=visibility
        )
        for (role, person), place, right in itertools.product(people.items(), PLACES, LADDER):
            user = narrowed(person, given(place, right, repository, other, elsewhere))
            for action in NEEDS:
                cells += 1
                if can(user, action, repository) is not rule(role, visibility, place, right, action):
                    wrong.append((visibility, role, place, right, action))
            listed = Repository.objects.visible_to(user).filter(pk=repository.pk).exists()
            assert listed is rule(role, visibility, place, right, Action.READ), (role, place, right)
    assert cells == 450
    assert not wrong


def test_every_action_says_what_a_token_needs():
    assert set(permissions._RIGHT) == set(permissions._SCOPE) == set(Action)


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        (grant(["gated"]), True),
        (grant(["discuss"]), False),
        (grant(["gated"], repository="f" * 24), False),
    ],
)
def test_gated_contents_need_the_right_for_them(given: Grant, reads: bool):
    """She was let in by the repository; that her token may go in as well is a right of its own."""
    repository, user = RepositoryFactory(), UserFactory()
    Repository.objects.filter(pk=repository.pk).update(gated="auto")
    repository.refresh_from_db()
    AccessRequest.objects.create(
        repository=repository, user=user, state=AccessState.ACCEPTED, updated_at=timezone.now()
    )

    assert can(user, Action.DOWNLOAD, repository)
    assert can(narrowed(user, given), Action.DOWNLOAD, repository) is reads


def test_a_token_for_one_repository_does_not_see_other_private_ones(client: Client):
    user = UserFactory()
    mine, other = RepositoryFactory(user=user, private=True), RepositoryFactory(user=user, private=True)
    public = RepositoryFactory(user=user)
    headers = fine_bearer(user, grant(["read"], repository=mine.public_id))

    assert client.get(f"/api/models/{mine.full_name}", headers=headers).status_code == 200
    hidden = client.get(f"/api/models/{other.full_name}", headers=headers)
    missing = client.get(f"/api/models/{user.username}/missing", headers=headers)
    assert (hidden.status_code, hidden.headers["X-Error-Code"]) == (404, "RepoNotFound")
    assert missing.status_code == 404
    listed = {row["id"] for row in client.get(f"/api/models?author={user.username}", headers=headers).json()}
    assert listed == {mine.full_name, public.full_name}


def test_the_refusal_of_what_it_may_not_see_says_nothing():
    user = UserFactory()
    repository = RepositoryFactory(user=user, private=True)

    with pytest.raises(RepositoryNotFound):
        require(narrowed(user, grant(["gated"])), Action.WRITE, repository)


@pytest.mark.parametrize(("rights", "status"), [(["read"], 403), (["write"], 201), (["administer"], 201)])
def test_writing_by_the_wire_needs_the_right(client: Client, rights: list[str], status: int):
    user = UserFactory()
    repository = RepositoryFactory(user=user)
    headers = fine_bearer(user, grant(rights, repository=repository.public_id))

    answer = client.post(f"/api/models/{repository.full_name}/branch/trial", {}, "application/json", headers=headers)

    assert answer.status_code == status


def test_a_right_in_one_repository_makes_no_new_ones(client: Client):
    user = UserFactory()
    repository = RepositoryFactory(user=user)
    one = fine_bearer(user, grant(["administer"], repository=repository.public_id))
    whole = fine_bearer(user, grant(["write"], namespace=user.namespace.pk))
    body = {"name": "fresh"}

    assert client.post("/api/repos/create", body, "application/json", headers=one).status_code == 403
    assert client.post("/api/repos/create", body, "application/json", headers=whole).status_code == 200


def test_a_token_gives_no_more_than_its_owner_has(client: Client):
    repository = RepositoryFactory(private=True)
    stranger = UserFactory()
    headers = fine_bearer(stranger, grant(["administer"], repository=repository.public_id))

    assert client.get(f"/api/models/{repository.full_name}", headers=headers).status_code == 404


def test_rights_end_with_the_role(client: Client):
    organisation = OrganisationFactory()
    writer = member(organisation, Role.WRITE)
    admin = organisation.members.exclude(pk=writer.pk).get()
    repository = RepositoryFactory(user=admin, namespace=organisation.name, private=True)
    put(repository, {"a.txt": "a"}, user=admin)
    headers = fine_bearer(writer, grant(["write"], namespace=organisation.namespace.pk))
    address = f"/{repository.full_name}/resolve/main/a.txt"
    assert client.get(address, headers=headers).status_code == 200

    writer.memberships.all().delete()

    assert client.get(address, headers=headers).status_code == 404


def test_likes_need_write_in_her_own_name(client: Client):
    user, repository = UserFactory(), RepositoryFactory()
    other = fine_bearer(user, grant(["write"], repository=repository.public_id))
    own = fine_bearer(user, grant(["write"], namespace=user.namespace.pk))

    assert client.post(f"/api/models/{repository.full_name}/like", headers=other).status_code == 403
    assert client.post(f"/api/models/{repository.full_name}/like", headers=own).status_code == 200


def test_private_collections_need_a_right_to_read_there(client: Client):
    user = UserFactory()
    from models_registry.services.collections import create_collection

    secret = create_collection(user=user, namespace=user.namespace, title="Secret", is_private=True)
    blind = fine_bearer(user, grant(["gated"]))
    seeing = fine_bearer(user, grant(["read"], namespace=user.namespace.pk))

    assert client.get(f"/api/collections/{secret.slug}", headers=blind).status_code == 404
    assert client.get(f"/api/collections/{secret.slug}", headers=seeing).status_code == 200
    assert client.delete(f"/api/collections/{secret.slug}", headers=seeing).status_code == 403


@pytest.mark.parametrize("right", [Right.READ, Right.GATED, Right.WRITE, Right.DISCUSS])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("who", ["owner", "accepted", "stranger"])
def test_lists_of_what_can_be_downloaded_agree_with_the_rule(who: str, place: str, right: Right) -> None:
    repository, other = RepositoryFactory(), RepositoryFactory()
    Repository.objects.filter(pk=repository.pk).update(gated="manual")
    repository.refresh_from_db()
    person = repository.creator if who == "owner" else UserFactory()
    if who == "accepted":
        AccessRequest.objects.create(
            repository=repository, user=person, state=AccessState.ACCEPTED, updated_at=timezone.now()
        )
    reader = narrowed(person, given(place, right, repository, other, other.namespace))

    may = can(reader, Action.DOWNLOAD, repository)

    assert Repository.objects.downloadable_by(reader).filter(pk=repository.pk).exists() is may
    gives = place == "everywhere" or (
        place in {"this repository", "its namespace"} and right in {Right.READ, Right.GATED, Right.WRITE}
    )
    assert may is (who != "stranger" and gives)
