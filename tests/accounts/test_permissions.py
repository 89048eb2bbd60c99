"""Roles in namespaces, and what a token lets through of them."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.exceptions import NotAMember, ScopeTooSmall
from accounts.models import Namespace, Role, Scope
from accounts.permissions import require_create, require_scope, role_in
from tests.factories.accounts import OrganisationFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def test_everybody_administers_her_own_name_alone():
    ada, ben = UserFactory(), UserFactory()

    assert role_in(ada, ada.namespace) is Role.ADMIN
    assert role_in(ada, ben.namespace) is None
    assert role_in(AnonymousUser(), ada.namespace) is None


@pytest.mark.parametrize("role", Role)
def test_a_member_has_her_role_and_no_other(role: Role):
    organisation = OrganisationFactory()

    assert role_in(member(organisation, role), organisation.namespace) is role
    assert role_in(UserFactory(), organisation.namespace) is None


def test_an_orphaned_namespace_belongs_to_nobody():
    ada, ben = UserFactory(), UserFactory()
    ada.delete()
    organisation = OrganisationFactory()
    orphan = organisation.namespace
    organisation.delete()

    assert role_in(ben, Namespace.objects.get(user=None, key=orphan.key)) is None
    assert role_in(AnonymousUser(), Namespace.objects.get(key=orphan.key)) is None


@pytest.mark.parametrize(
    ("role", "may"), [(Role.ADMIN, True), (Role.WRITE, True), (Role.CONTRIBUTOR, True), (Role.READ, False)]
)
def test_who_may_create_in_an_organisation(role: Role, may: bool):
    organisation = OrganisationFactory()
    person = member(organisation, role)

    if may:
        require_create(person, organisation.namespace)
    else:
        with pytest.raises(NotAMember):
            require_create(person, organisation.namespace)


def test_policy_and_list_agree_on_where_one_may_create():
    """ "May she?" and "which ones?" are two questions with one answer."""
    organisations = {role: OrganisationFactory() for role in Role}
    ben = UserFactory()
    for role, organisation in organisations.items():
        organisation.memberships.create(user=ben, role=role)
    OrganisationFactory()

    listed = set(Namespace.objects.writable_by(ben))
    allowed = set()
    for namespace in Namespace.objects.all():
        try:
            require_create(ben, namespace)
            allowed.add(namespace)
        except NotAMember:
            continue

    assert listed == allowed
    assert len(listed) == 4
    assert not Namespace.objects.writable_by(AnonymousUser())


@pytest.mark.parametrize("scope", Scope.wide())
def test_a_token_narrows_its_owner(scope: Scope):
    ada = UserFactory()
    ada.scope = scope  # As the middleware sets it for one request.

    if scope is Scope.READ:
        with pytest.raises(ScopeTooSmall) as caught:
            require_create(ada, ada.namespace)
        assert caught.value.details == {"scope": "read", "needed": "write"}
    else:
        require_create(ada, ada.namespace)
    require_scope(ada, scope)


def test_a_stranger_hears_that_she_is_no_member_before_she_hears_about_her_token():
    """Else a token's scope would tell which namespaces exist to be written."""
    ada = UserFactory()
    ada.scope = Scope.READ

    with pytest.raises(NotAMember):
        require_create(ada, OrganisationFactory().namespace)
