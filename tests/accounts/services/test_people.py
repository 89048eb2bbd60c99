"""Users, organisations and members: names are shared, unique, and never given twice."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts import services
from accounts.exceptions import InvalidName, LastAdmin, NameTaken
from accounts.models import Membership, Namespace, Organisation, Role, User
from hub.core.names import RESERVED_NAMESPACES, namespace_fault
from tests.factories.accounts import OrganisationFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def test_a_new_user_holds_the_namespace_of_her_name():
    user = services.create_user(username="Ada", password="correct horse")

    assert user.namespace.key == "ada"
    assert user.namespace.name == "Ada"
    assert user.check_password("correct horse")
    assert not user.is_staff


def test_a_user_without_a_password_cannot_sign_in():
    assert not services.create_user(username="robot").has_usable_password()


@pytest.mark.parametrize("name", ["ada", "ADA", "Ada"])
def test_a_name_is_taken_however_it_is_spelled(name: str):
    UserFactory(username="Ada")

    with pytest.raises(NameTaken):
        services.create_user(username=name)
    assert User.objects.count() == 1


def test_users_and_organisations_share_one_set_of_names():
    ada = UserFactory(username="ada")
    OrganisationFactory(name="harbour", owner=ada)

    with pytest.raises(NameTaken):
        services.create_organisation(name="Ada", owner=ada)
    with pytest.raises(NameTaken):
        services.create_user(username="Harbour")
    assert Organisation.objects.count() == 1


def test_a_name_is_never_given_twice():
    UserFactory(username="ada").delete()

    assert Namespace.objects.get(key="ada").user is None
    with pytest.raises(NameTaken):
        services.create_user(username="ada")


@pytest.mark.parametrize("name", ["", "a", "-ada", "ada-", "a--b", "ada lovelace", "ada/..", "a" * 43, "ädä", "ada\n"])
def test_names_that_break_the_rule_are_refused(name: str):
    with pytest.raises(InvalidName) as caught:
        services.create_user(username=name)
    assert caught.value.details["name"] == name
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["admin", "API", "datasets", "Settings", "healthz"])
def test_names_of_the_site_itself_are_refused(name: str):
    with pytest.raises(InvalidName, match="kept for the site"):
        services.create_user(username=name)


@given(st.text(max_size=50))
def test_whatever_name_passes_can_be_an_address(name: str):
    if namespace_fault(name) is None:
        assert name.isascii()
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
        assert name.lower() not in RESERVED_NAMESPACES


def test_the_founder_is_the_first_admin():
    ada = UserFactory()
    organisation = services.create_organisation(name="harbour", owner=ada, full_name="The Harbour")

    assert Membership.objects.get().role == Role.ADMIN
    assert organisation.namespace.full_name == "The Harbour"


def test_a_role_can_be_given_and_changed():
    organisation, ben = OrganisationFactory(), UserFactory()

    services.add_member(organisation=organisation, user=ben, role=Role.READ)
    services.add_member(organisation=organisation, user=ben, role=Role.WRITE)

    assert organisation.memberships.get(user=ben).role == Role.WRITE


def test_the_last_admin_can_neither_step_down_nor_leave():
    organisation = OrganisationFactory()
    owner = organisation.members.get()

    with pytest.raises(LastAdmin):
        services.add_member(organisation=organisation, user=owner, role=Role.WRITE)
    with pytest.raises(LastAdmin):
        services.remove_member(organisation=organisation, user=owner)
    assert organisation.memberships.get().role == Role.ADMIN


def test_an_admin_may_leave_when_another_stays():
    organisation = OrganisationFactory()
    owner = organisation.members.get()
    member(organisation, Role.ADMIN)

    services.remove_member(organisation=organisation, user=owner)

    assert not organisation.memberships.filter(user=owner).exists()


def test_removing_somebody_twice_is_harmless():
    organisation = OrganisationFactory()
    ben = member(organisation, Role.READ)

    services.remove_member(organisation=organisation, user=ben)
    services.remove_member(organisation=organisation, user=ben)

    assert organisation.memberships.count() == 1


def test_the_database_itself_refuses_an_unknown_role_and_a_second_membership():
    organisation, ben = OrganisationFactory(), UserFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(organisation=organisation, user=ben, role="emperor")
    Membership.objects.create(organisation=organisation, user=ben, role=Role.READ)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(organisation=organisation, user=ben, role=Role.WRITE)


def test_the_database_itself_refuses_a_namespace_with_two_holders():
    organisation, ben = OrganisationFactory(), UserFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Namespace.objects.filter(user=ben).update(organisation=organisation)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_one_name_at_once_exactly_one_gets_it():
    start, outcomes = threading.Barrier(4), []

    def sign_up(spelling: str) -> None:
        try:
            start.wait(timeout=20)
            services.create_user(username=spelling, password="correct horse")
            outcomes.append("made")
        except NameTaken:
            outcomes.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=sign_up, args=(name,)) for name in ("mary", "Mary", "MARY", "maRy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(outcomes) == ["made", "taken", "taken", "taken"]
    assert User.objects.count() == Namespace.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_leave_at_once_do_not_leave_an_organisation_without_one():
    organisation = OrganisationFactory()
    admins = [organisation.members.get(), member(organisation, Role.ADMIN)]
    start, outcomes = threading.Barrier(2), []

    def leave(user: User) -> None:
        try:
            start.wait(timeout=20)
            services.remove_member(organisation=organisation, user=user)
            outcomes.append("left")
        except LastAdmin:
            outcomes.append("stayed")
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(user,)) for user in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(outcomes) == ["left", "stayed"]
    assert organisation.memberships.filter(role=Role.ADMIN).count() == 1
