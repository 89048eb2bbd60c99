"""The list of licences that an organisation lets in, at every door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.exceptions import ScopeTooSmall
from accounts.grants import Grants, Right, grant
from accounts.models import AuditEvent, Scope
from accounts.services import create_token
from models_registry.allowances import is_within
from models_registry.exceptions import AllowanceForbidden, InvalidAllowance, LicenceNotAllowed
from models_registry.models import Repository
from models_registry.permissions import Action, require
from models_registry.services.duplicates import duplicate_repository
from models_registry.services.licensing import allowed
from models_registry.services.licensing.allowed import outside, rules_of, set_allowance
from models_registry.services.moves import move_repository
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
NC, MIT = "cc-by-nc-4.0", "mit"


@pytest.fixture
def admin():
    return UserFactory()


@pytest.fixture
def acme(admin):
    return OrganisationFactory(owner=admin)


def allow(acme, admin, *entries, **changes):
    options = {"for_uploads": True, "for_pulls": True} | changes
    return set_allowance(namespace=acme.namespace, user=admin, allowed=entries, **options)


def card(licence: str) -> dict[str, bytes | str]:
    return {"README.md": f"---\nlicense: {licence}\n---\n"}


def model(owner, licence: str, **traits):
    made = RepositoryFactory(user=owner, **traits)
    put(made, card(licence), user=owner)
    made.refresh_from_db()
    return made


def acting(user, acme, *rights):
    """The user as a request with a fine-grained token of the organisation has her."""
    user.scope = Scope.FINE
    user.grants = Grants((grant(rights or (Right.READ,), namespace=acme.namespace.pk),))
    return user


@pytest.mark.parametrize(
    ("licence", "entries", "passes"),
    [
        ("mit", ["permissive"], True),
        ("MIT", ["mit"], True),
        ("gpl-3.0", ["GPL-3.0-only"], True),
        ("mit OR gpl-3.0-only", ["copyleft"], True),
        ("mit AND cc-by-nc-4.0", ["permissive"], False),
        ("mit, apache-2.0", ["mit"], False),
        ("a-licence-of-ours", ["permissive", "copyleft", "restricted", "non-commercial"], False),
        ("a-licence-of-ours", ["A-Licence-Of-Ours"], True),
        ("", ["permissive"], False),
        ("", ["unknown"], True),
    ],
)
def test_classes_and_ids(licence, entries, passes):
    assert is_within(licence, entries) is passes


IDS = ["mit", "apache-2.0", "gpl-3.0", "cc-by-nc-4.0", "gemma", "mystery", "permissive", "copyleft", "unknown"]


@given(st.lists(st.sampled_from(IDS)), st.sampled_from(IDS), st.sampled_from(IDS[:6]), st.sampled_from(IDS[:6]))
def test_a_longer_list_never_refuses_more_and_what_applies_together_never_passes_more(entries, more, one, other):
    both, either = f"{one} AND {other}", f"{one} OR {other}"
    for licence in (one, both, either):
        assert is_within(licence, entries) <= is_within(licence, [*entries, more])
    assert is_within(both, entries) == (is_within(one, entries) and is_within(other, entries))
    assert is_within(either, entries) == (is_within(one, entries) or is_within(other, entries))


def test_a_commit_under_another_licence_is_refused_whole(acme, admin):
    allow(acme, admin, "permissive")
    repository = RepositoryFactory(user=admin, namespace=acme.name)
    put(repository, card(MIT), user=admin)

    with pytest.raises(LicenceNotAllowed) as caught:
        put(repository, card(NC), user=admin)

    assert caught.value.code == "licence_not_allowed"
    assert caught.value.details["rule"] == "upload"
    repository.refresh_from_db()
    assert repository.licence == MIT
    put(RepositoryFactory(user=admin), card(NC), user=admin)


def test_what_declares_nothing_yet_can_be_worked_on(acme, admin):
    allow(acme, admin, "permissive")
    repository = RepositoryFactory(user=admin, namespace=acme.name)

    put(repository, {"notes.txt": "to be licensed"}, user=admin)


def test_what_was_there_before_stays_and_is_listed(acme, admin):
    repository = RepositoryFactory(user=admin, namespace=acme.name)
    put(repository, card(NC), user=admin)

    allow(acme, admin, "permissive")

    put(repository, {"notes.txt": "still work"}, user=admin)
    assert outside(acme.namespace, ["permissive"]) == [repository]
    assert outside(acme.namespace, []) == []


def test_duplicates_and_transfers_are_uploads(acme, admin):
    allow(acme, admin, "permissive")
    own = model(admin, NC)

    with pytest.raises(LicenceNotAllowed):
        duplicate_repository(source=own, user=admin, namespace=acme.name, name="copy")
    with pytest.raises(LicenceNotAllowed):
        move_repository(repository=own, user=admin, namespace=acme.name, name=own.name)

    assert not Repository.objects.filter(namespace=acme.namespace).exists()


def test_a_token_of_the_organisation_pulls_what_it_allows(acme, admin):
    stranger = UserFactory()
    bound, free = model(stranger, NC), model(stranger, MIT)
    allow(acme, admin, "permissive")
    require(admin, Action.DOWNLOAD, bound)

    acting(admin, acme)

    require(admin, Action.DOWNLOAD, free)
    require(admin, Action.READ, bound)
    with pytest.raises(LicenceNotAllowed) as caught:
        require(admin, Action.DOWNLOAD, bound)
    assert (caught.value.details["organisation"], caught.value.details["rule"]) == (acme.name, "pull")


def test_a_token_of_one_repository_acts_for_its_organisation(acme, admin):
    bound = model(UserFactory(), NC)
    own = RepositoryFactory(user=admin, namespace=acme.name)
    allow(acme, admin, "permissive")
    admin.scope, admin.grants = Scope.FINE, Grants((grant([Right.READ], repository=own.public_id),))

    with pytest.raises(LicenceNotAllowed):
        require(admin, Action.DOWNLOAD, bound)
    require(admin, Action.DOWNLOAD, own)


def test_who_is_no_member_is_not_bound_and_either_rule_can_be_off(acme, admin):
    bound = model(UserFactory(), NC)
    allow(acme, admin, "permissive", for_pulls=False)
    require(acting(admin, acme), Action.DOWNLOAD, bound)
    allow(acme, admin_again := UserFactory._meta.model.objects.get(pk=admin.pk), "permissive", for_uploads=False)
    require(acting(UserFactory(), acme), Action.DOWNLOAD, bound)
    repository = RepositoryFactory(user=admin_again, namespace=acme.name)
    put(repository, card(NC), user=admin_again)


def test_the_wire_answers_403_with_the_code(acme, admin, client):
    bound = model(UserFactory(), NC)
    allow(acme, admin, "permissive")
    _token, secret = create_token(
        user=admin, name="ci", scope=Scope.FINE, grants=Grants((grant([Right.READ], namespace=acme.namespace.pk),))
    )
    sent = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}

    for address in (
        f"/{bound.full_name}/resolve/main/README.md",
        f"/api/v1/repositories/models/{bound.full_name}/manifest/main",
    ):
        answer = client.get(address, **sent)
        assert answer.status_code == 403, address
        assert NC in str(answer.content) + str(answer.headers)
        assert acme.name in str(answer.content) + str(answer.headers)
    assert client.get(f"/api/v1/repositories/models/{bound.full_name}/manifest/main").status_code == 200


def test_the_commit_that_is_pulled_decides_beside_the_head(acme, admin, client):
    stranger = UserFactory()
    repository = model(stranger, NC)
    old = repository.head
    put(repository, card(MIT), user=stranger)
    allow(acme, admin, "permissive")
    _, secret = create_token(
        user=admin, name="ci", scope=Scope.FINE, grants=Grants((grant([Right.READ], namespace=acme.namespace.pk),))
    )
    at = f"/api/v1/repositories/models/{repository.full_name}/manifest"

    assert client.get(f"{at}/main", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 200
    answer = client.get(f"{at}/{old}", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert (answer.status_code, answer.json()["code"]) == (403, "licence_not_allowed")


def test_only_admins_choose_and_it_is_written_into_the_log(acme, admin):
    with pytest.raises(AllowanceForbidden):
        allow(acme, UserFactory(), "permissive")
    with pytest.raises(AllowanceForbidden):
        set_allowance(namespace=admin.namespace, user=admin, allowed=["mit"], for_uploads=True, for_pulls=True)
    admin.scope = Scope.READ
    with pytest.raises(ScopeTooSmall):
        allow(acme, admin, "permissive")
    admin.scope = Scope.WRITE
    allow(acme, admin, "Permissive", "permissive", "CC-BY-4.0")
    assert allowed.allowance_of(acme.namespace).allowed == ["permissive", "CC-BY-4.0"]
    assert AuditEvent.objects.get(action="licences.allowed").details["allowed"] == "permissive, CC-BY-4.0"


@pytest.mark.parametrize("entries", [["a b"], ["x" * 101], ["a,b"], ["a\x00b"], [str(n) for n in range(101)]])
def test_entries_are_classes_and_ids(acme, admin, entries):
    with pytest.raises(InvalidAllowance):
        allow(acme, admin, *entries)


def test_members_are_told_the_rules_of_their_organisations(acme, admin):
    allow(acme, admin, "permissive")
    assert rules_of(admin, acme.name) == [
        {
            "organisation": acme.name,
            "allow": ["permissive"],
            "for_uploads": True,
            "for_pulls": True,
            "token_acts_for_it": False,
        }
    ]
    assert rules_of(acting(admin, acme))[0]["token_acts_for_it"] is True
    assert rules_of(UserFactory(), acme.name) == []
