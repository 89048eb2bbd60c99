import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import Role, Scope
from models_registry.models import Repository, Visibility
from models_registry.permissions import Action, can
from models_registry.services.repositories import create_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member

pytestmark = pytest.mark.django_db

READ, WRITE, ADMIN = Action.READ, Action.WRITE, Action.ADMINISTER
# Who may do what, for a public and for a private repository of an organisation.
TABLE = {
    "anonymous": ({READ}, set()),
    "stranger": ({READ}, set()),
    "read": ({READ}, {READ}),
    "contributor": ({READ}, {READ}),
    "write": ({READ, WRITE}, {READ, WRITE}),
    "admin": ({READ, WRITE, ADMIN}, {READ, WRITE, ADMIN}),
    "site administrator": ({READ, WRITE, ADMIN}, {READ, WRITE, ADMIN}),
}


@pytest.mark.parametrize("who", TABLE)
@pytest.mark.parametrize("visibility", [Visibility.PUBLIC, Visibility.PRIVATE])
def test_the_table_decides_and_lists_agree_with_it(who: str, visibility: Visibility) -> None:
    organisation = OrganisationFactory()
    founder = organisation.memberships.get().user
    repository = create_repository(
        user=founder, namespace=organisation.name, name="tiny", kind="model", visibility=visibility
    )
    if who in Role.values:
        user = member(organisation, Role(who))
    elif who == "site administrator":
        user = UserFactory(is_admin=True)
    else:
        user = UserFactory() if who == "stranger" else AnonymousUser()
    allowed = TABLE[who][visibility == Visibility.PRIVATE]

    assert {action for action in Action if can(user, action, repository)} == allowed
    assert Repository.objects.visible_to(user).filter(pk=repository.pk).exists() is (READ in allowed)


def test_a_contributor_may_do_everything_to_what_she_made() -> None:
    organisation = OrganisationFactory()
    user = member(organisation, Role.CONTRIBUTOR)
    own = create_repository(user=user, namespace=organisation.name, name="own", kind="model")

    assert all(can(user, action, own) for action in Action)


@pytest.mark.parametrize(
    ("scope", "allowed"), [(Scope.READ, {READ}), (Scope.WRITE, set(Action)), (Scope.ADMIN, set(Action))]
)
def test_a_token_narrows_what_its_owner_may(scope: Scope, allowed: set[Action]) -> None:
    user = UserFactory()
    repository = create_repository(user=user, namespace=user.username, name="own", kind="model")
    user.scope = scope  # type: ignore[misc]

    assert {action for action in Action if can(user, action, repository)} == allowed
