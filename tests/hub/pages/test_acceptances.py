"""Receipts, the queue in bulk, exports and rules, without a browser."""

import csv
import json

import pytest

from accounts.models import Role
from models_registry.models import Acceptance, AccessRequest, Gate, Gated, Visibility
from models_registry.services.access import ask_access, set_gate
from models_registry.services.repositories import set_visibility
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository():
    found = RepositoryFactory()
    put(found, {"LICENSE": "You may <b>use</b> it.\n", "README.md": "---\nlicense: mit\n---\n"})
    found.refresh_from_db()
    return set_gate(repository=found, user=found.creator, gated=Gated.MANUAL, fields="Team: text")


def page(repository, rest=""):
    return f"/{repository.full_name}{rest}"


def test_a_receipt_is_for_who_accepted_and_the_organisation_it_binds(client, repository) -> None:
    organisation = OrganisationFactory()
    founder, reader = organisation.memberships.get().user, member(organisation, Role.READ)
    ask_access(repository=repository, user=founder, answers={"Team": "Secret"}, organisation=organisation)
    address = f"/settings/acceptances/{Acceptance.objects.get().public_id}"

    client.force_login(founder)
    assert "Secret" in client.get(address).content.decode()
    assert "&lt;b&gt;use" in client.get(address).content.decode()
    assert client.get(f"{address}/receipt.json").json()["answers"] == {"Team": "Secret"}
    assert client.get(f"{address}/licence.txt").content == b"You may <b>use</b> it.\n"
    client.force_login(reader)
    assert "Secret" not in client.get(address).content.decode()
    assert client.get(f"{address}/receipt.json").json()["answers"] == {}
    client.force_login(repository.creator)
    for rest in ("", "/receipt.json", "/licence.txt"):
        assert client.get(address + rest).status_code == 404


def test_a_receipt_shows_the_owners_words_as_the_form_did_and_runs_nothing(client) -> None:
    found, person = RepositoryFactory(), UserFactory()
    prompt = "Be **kind**. [Read](more.md) <script>alert(1)</script>\n\n- one\n"
    set_gate(repository=found, user=found.creator, gated=Gated.AUTO, prompt=prompt)
    ask_access(repository=found, user=person, answers={})
    address = f"/settings/acceptances/{Acceptance.objects.get().public_id}"
    client.force_login(person)

    html = client.get(address).content.decode()

    assert "<strong>kind</strong>" in html
    assert f'href="/{found.full_name}/blob/main/more.md"' in html
    assert "<li>one</li>" in html
    assert "alert(1)" not in html.replace("&lt;script&gt;alert(1)", "")
    set_visibility(repository=found, user=found.creator, visibility=Visibility.PRIVATE)
    hidden = client.get(address).content.decode()
    assert "<strong>kind</strong>" in hidden
    assert f"/{found.full_name}/" not in hidden


def test_a_form_that_is_sent_twice_asks_once(client, repository) -> None:
    client.force_login(UserFactory())
    form = client.get(page(repository, "/ask-access")).context["sha256"]
    given = {"Team": "Harbour", "form": form}

    first, second = (client.post(page(repository, "/ask-access"), given) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert AccessRequest.objects.get().steps.count() == 1
    assert client.post(page(repository, "/ask-access"), given | {"form": "0" * 64}).status_code == 409


def test_an_organisation_is_chosen_and_only_by_an_admin(client, repository) -> None:
    organisation = OrganisationFactory()
    client.force_login(member(organisation, Role.READ))
    assert organisation.name not in client.get(page(repository, "/ask-access")).content.decode()

    client.force_login(organisation.memberships.filter(role=Role.ADMIN).get().user)
    client.post(page(repository, "/ask-access"), {"Team": "All", "gate-organisation": organisation.name})
    assert AccessRequest.objects.get().organisation == organisation


def test_both_exports_stream_all_and_no_address_of_who_never_gave_it(client, repository) -> None:
    ask_access(repository=repository, user=UserFactory(email="ada@example.org"), answers={"Team": "=1+1"})
    client.force_login(repository.creator)
    granted = UserFactory(email="eve@example.org")
    client.post(page(repository, "/settings/access/grant"), {"user": granted.username})

    answer = client.get(page(repository, "/settings/access/export?format=json"))
    rows = json.loads(b"".join(answer.streaming_content))
    assert [(row["email"], row["status"], row["answers"]) for row in rows] == [
        ("ada@example.org", "pending", {"Team": "=1+1"}),
        (None, "accepted", {}),
    ]
    assert rows[0]["licence_sha256"] == Gate.objects.get().form.content["licence_sha256"]
    table = b"".join(client.get(page(repository, "/settings/access/export")).streaming_content).decode()
    assert "eve@example.org" not in table
    assert len(list(csv.DictReader(table.splitlines()))) == 2


def test_an_empty_export_is_json_all_the_same(client, repository) -> None:
    client.force_login(repository.creator)

    assert (
        json.loads(b"".join(client.get(page(repository, "/settings/access/export?format=json")).streaming_content))
        == []
    )


@pytest.mark.parametrize("days", ["0", "-1", "many", "99999999999"])
def test_days_that_are_none_are_said_and_nothing_is_saved(client, repository, days) -> None:
    client.force_login(repository.creator)

    answer = client.post(
        page(repository, "/settings/access/gate"), {"gated": "auto", "renewal": "within", "renew_days": days}
    )

    assert answer.status_code == 400
    assert Gate.objects.get().renewal == "keep"


def test_only_the_next_page_of_this_hub_is_gone_back_to(client, repository) -> None:
    set_gate(repository=repository, user=repository.creator, gated=Gated.AUTO)
    for back, leads in (
        ("/models", "/models"),
        ("//evil.example", page(repository)),
        ("https://x.y", page(repository)),
    ):
        client.force_login(UserFactory())
        answer = client.post(page(repository, "/ask-access"), {"Team": "a", "gate-back": back})
        assert answer["Location"] == leads


def test_the_pages_cost_a_constant_number_of_queries(client, repository, django_assert_max_num_queries) -> None:
    person = UserFactory()
    for _ in range(6):
        ask_access(repository=repository, user=UserFactory(), answers={"Team": "a"})
    for number in range(4):
        other = RepositoryFactory(name=f"other-{number}")
        set_gate(repository=other, user=other.creator, gated=Gated.AUTO)
        ask_access(repository=other, user=person, answers={})

    client.force_login(repository.creator)
    with django_assert_max_num_queries(30):
        assert client.get(page(repository, "/settings/access/gate")).status_code == 200
    client.force_login(person)
    with django_assert_max_num_queries(12):
        assert client.get("/settings/acceptances").status_code == 200
    with django_assert_max_num_queries(14):
        assert client.get("/settings/access").status_code == 200
