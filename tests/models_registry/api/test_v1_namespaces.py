"""What a namespace wants of licences, read and set by programs."""

import pytest

from accounts.grants import Right, grant
from accounts.models import AuditEvent, Role, Scope
from models_registry.models import LicenceAllowance, LicenceJudgement, LicencePolicy
from tests.factories.accounts import OrganisationFactory, UserFactory, bearer, fine_bearer, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
POLICY, ALLOWANCE = "licence-policy", "licence-allowance"


def at(name: str, what: str) -> str:
    return f"/api/v1/namespaces/{name}/{what}"


def put(client, user, name, what, body, headers=None):
    return client.put(at(name, what), body, content_type="application/json", headers=headers or bearer(user))


def test_a_policy_is_set_for_ones_own_name_and_everything_is_judged_anew(client):
    model = RepositoryFactory()
    user, name = model.creator, model.namespace.name
    assert client.get(at(name, POLICY), headers=bearer(user)).json() == {"mode": "inform", "holds_unknown": False}
    marks = LicenceJudgement.objects.get(repository=model).marks

    answer = put(client, user, name.upper(), POLICY, {"mode": "block", "holds_unknown": True})

    assert (answer.status_code, answer.json()) == (200, {"mode": "block", "holds_unknown": True})
    assert client.get(at(name, POLICY), headers=bearer(user)).json()["mode"] == "block"
    assert LicenceJudgement.objects.get(repository=model).marks == marks + 1
    assert AuditEvent.objects.get(action="licence_policy.set").details["mode"] == "block"


def test_an_organisations_list_is_set_and_names_what_is_outside(client):
    admin = UserFactory()
    acme = OrganisationFactory(owner=admin)
    old = RepositoryFactory(user=admin, namespace=acme.name, licence="cc-by-nc-4.0")

    answer = put(client, admin, acme.name, ALLOWANCE, {"allow": ["Permissive", "cc-by-4.0"], "for_pulls": False})

    wanted = {"allow": ["permissive", "cc-by-4.0"], "for_uploads": True, "for_pulls": False, "outside": [old.full_name]}
    assert (answer.status_code, answer.json()) == (200, wanted)
    assert client.get(at(acme.name, ALLOWANCE), headers=bearer(admin)).json() == wanted
    refused = client.post(
        "/api/repos/create",
        {"name": "x", "organization": acme.name, "type": "model", "license": "gpl-3.0"},
        content_type="application/json",
        headers=bearer(admin),
    )
    assert refused.headers["X-Error-Code"] == "licence_not_allowed"


@pytest.mark.parametrize(
    ("what", "body"),
    [
        (POLICY, {"mode": "sometimes"}),
        (POLICY, {}),
        (POLICY, []),
        (POLICY, {"mode": "block", "holds_unknown": "perhaps"}),
        (ALLOWANCE, {"allow": "mit"}),
        (ALLOWANCE, {"allow": ["a b"]}),
        (ALLOWANCE, {"allow": ["a\x00b"]}),
        (ALLOWANCE, {"allow": ["mit"] * 101}),
        (ALLOWANCE, {"allow": [{}]}),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(client, what, body):
    admin = UserFactory()
    acme = OrganisationFactory(owner=admin)
    assert put(client, admin, acme.name, what, body).status_code == 400
    assert not LicencePolicy.objects.exists()
    assert not LicenceAllowance.objects.exists()


@pytest.mark.parametrize(("what", "body"), [(POLICY, {"mode": "block"}), (ALLOWANCE, {"allow": ["mit"]})])
def test_others_hear_that_there_is_nothing(client, what, body):
    acme = OrganisationFactory()
    for other in (UserFactory(), member(acme, Role.WRITE), member(acme, Role.READ)):
        missing = client.get(at("nobody-here", what), headers=bearer(other))
        found = client.get(at(acme.name, what), headers=bearer(other))
        assert found.status_code == missing.status_code == 404
        assert found.content.decode().replace(acme.name, "X") == missing.content.decode().replace("nobody-here", "X")
        assert put(client, other, acme.name, what, body).status_code == 404
    assert client.get(at(acme.name, what)).status_code == 401
    assert not LicencePolicy.objects.exists()


@pytest.mark.parametrize(("what", "body"), [(POLICY, {"mode": "block"}), (ALLOWANCE, {"allow": ["mit"]})])
def test_a_token_needs_the_right_in_this_very_namespace(client, what, body):
    admin = UserFactory()
    acme, other = OrganisationFactory(owner=admin), OrganisationFactory(owner=admin)
    reads, writes, elsewhere, all_of_it = (
        fine_bearer(admin, grant((right,), namespace=place.namespace.pk))
        for right, place in (
            (Right.READ, acme),
            (Right.WRITE, acme),
            (Right.ADMINISTER, other),
            (Right.ADMINISTER, acme),
        )
    )
    assert client.get(at(acme.name, what), headers=reads).status_code == 200
    assert client.get(at(acme.name, what), headers=elsewhere).status_code == 403
    for headers in (reads, writes, elsewhere, bearer(admin, Scope.READ)):
        assert put(client, admin, acme.name, what, body, headers).status_code == 403
    assert put(client, admin, acme.name, what, body, all_of_it).status_code == 200


def test_a_person_has_no_list(client):
    user = UserFactory()
    answer = client.get(at(user.username, ALLOWANCE), headers=bearer(user))
    assert (answer.status_code, answer.json()["code"]) == (403, "allowance_forbidden")
    assert put(client, user, user.username, ALLOWANCE, {"allow": ["mit"]}).status_code == 403
