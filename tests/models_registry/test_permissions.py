import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import Role, Scope
from models_registry.exceptions import GatedRepository, RepositoryNotFound
from models_registry.models import AccessRequest, AccessState, Gated, Repository, Visibility
from models_registry.permissions import Action, can, require
from models_registry.services.repositories import create_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

SEE, READ = {Action.READ}, {Action.READ, Action.DOWNLOAD}
TALK, PROPOSE = {*SEE, Action.DISCUSS}, {*READ, Action.DISCUSS, Action.PROPOSE}
WRITE = {*PROPOSE, Action.WRITE}
ADMIN = {*WRITE, Action.ADMINISTER}
# Who may do what, for a public, a private and a gated repository of an organisation.
TABLE: dict[str, tuple[set[Action], set[Action], set[Action]]] = {
    "anonymous": (READ, set(), SEE),
    "stranger": (PROPOSE, set(), TALK),
    "read": (PROPOSE, PROPOSE, PROPOSE),
    "contributor": (PROPOSE, PROPOSE, PROPOSE),
    "write": (WRITE, WRITE, WRITE),
    "admin": (ADMIN, ADMIN, ADMIN),
    "site administrator": (ADMIN, ADMIN, ADMIN),
}


@pytest.mark.parametrize("who", TABLE)
@pytest.mark.parametrize("sort", ["public", "private", "gated"])
def test_the_table_decides_and_lists_agree_with_it(who: str, sort: str) -> None:
    visibility = Visibility.PRIVATE if sort == "private" else Visibility.PUBLIC
    organisation = OrganisationFactory()
    founder = organisation.memberships.get().user
    repository = create_repository(
        user=founder, namespace=organisation.name, name="tiny", kind="model", visibility=visibility
    )
    repository.gated = Gated.MANUAL if sort == "gated" else Gated.OFF
    repository.save()
    if who in Role.values:
        user = member(organisation, Role(who))
    elif who == "site administrator":
        user = UserFactory(is_admin=True)
    else:
        user = UserFactory() if who == "stranger" else AnonymousUser()
    allowed = TABLE[who][["public", "private", "gated"].index(sort)]

    assert {action for action in Action if can(user, action, repository)} == allowed
    assert Repository.objects.visible_to(user).filter(pk=repository.pk).exists() is (Action.READ in allowed)
    assert Repository.objects.downloadable_by(user).filter(pk=repository.pk).exists() is (Action.DOWNLOAD in allowed)


def test_a_contributor_may_do_everything_to_what_she_made() -> None:
    organisation = OrganisationFactory()
    user = member(organisation, Role.CONTRIBUTOR)
    own = create_repository(user=user, namespace=organisation.name, name="own", kind="model")

    assert all(can(user, action, own) for action in Action)


@pytest.mark.parametrize(
    ("scope", "allowed"), [(Scope.READ, READ), (Scope.WRITE, set(Action)), (Scope.ADMIN, set(Action))]
)
def test_a_token_narrows_what_its_owner_may(scope: Scope, allowed: set[Action]) -> None:
    user = UserFactory()
    repository = create_repository(user=user, namespace=user.username, name="own", kind="model")
    user.scope = scope  # type: ignore[misc]

    assert {action for action in Action if can(user, action, repository)} == allowed


@pytest.mark.parametrize("state", AccessState.values)
def test_only_an_accepted_request_opens_the_files(state: str) -> None:
    repository, asker = RepositoryFactory(), UserFactory()
    Repository.objects.update(gated=Gated.MANUAL)
    repository.refresh_from_db()
    AccessRequest.objects.create(repository=repository, user=asker, state=state, updated_at=timezone.now())

    assert can(asker, Action.DOWNLOAD, repository) is (state == AccessState.ACCEPTED)
    assert Repository.objects.downloadable_by(asker).exists() is (state == AccessState.ACCEPTED)
    assert not can(asker, Action.WRITE, repository)
    assert not can(UserFactory(), Action.DOWNLOAD, repository)


def test_an_accepted_request_does_not_open_what_became_private() -> None:
    repository, asker = RepositoryFactory(private=True), UserFactory()
    Repository.objects.update(gated=Gated.AUTO)
    repository.refresh_from_db()
    AccessRequest.objects.create(
        repository=repository, user=asker, state=AccessState.ACCEPTED, updated_at=timezone.now()
    )

    with pytest.raises(RepositoryNotFound):
        require(asker, Action.DOWNLOAD, repository)


@pytest.mark.parametrize(("anonymous", "status"), [(True, 401), (False, 403)])
def test_a_gated_repository_says_where_to_ask(anonymous: bool, status: int) -> None:
    repository = RepositoryFactory()
    Repository.objects.update(gated=Gated.MANUAL)
    repository.refresh_from_db()

    with pytest.raises(GatedRepository) as caught:
        require(AnonymousUser() if anonymous else UserFactory(), Action.DOWNLOAD, repository)

    assert (caught.value.wire_status, caught.value.wire_code) == (status, "GatedRepo")
    assert f"/{repository.full_name}" in str(caught.value)
