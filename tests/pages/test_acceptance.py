"""The gated flow in a browser: an owner asks, people read and accept, the text changes, a child needs it as well."""

import hashlib

import pytest

from models_registry.models import Acceptance, AccessRequest, Gate, InheritedGate, Repository
from models_registry.services.access import ask_access, set_gate
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = "Terms of the tides\n\n1. You may sail by them.\n2. You must not sell them.\n"


@pytest.fixture
def gated():
    owner = UserFactory(username="ada-wyn")
    found = RepositoryFactory(user=owner, name="tides")
    put(found, {"LICENSE": TEXT, "README.md": "---\nlicense: gemma\n---\n# Tides\n", "notes.txt": "hidden words"})
    found.refresh_from_db()
    return found


def text_of(watched) -> str:
    return watched.page.locator("main").inner_text()


def test_from_the_owners_gate_to_a_receipt_and_on_to_a_changed_text(watch, gated):
    owner, person = watch(), watch()
    owner.sign_in(gated.creator)
    owner.go("/ada-wyn/tides/settings/access/gate")
    owner.page.get_by_label("everybody who asks").check()
    owner.page.get_by_label("What people read before they ask").fill("Please be **kind**.")
    owner.page.get_by_label("What people answer").fill("Team: text\nI agree: checkbox")
    owner.page.get_by_label("accept it anew at once").check()
    owner.page.get_by_role("button", name="Preview").click()
    preview = owner.page.locator(".panel", has_text="Preview: what people will see")
    assert "You must not sell them." in preview.inner_text()
    assert preview.locator("strong").inner_text() == "kind"
    assert not Repository.objects.get(pk=gated.pk).is_gated, "a preview saves nothing"
    owner.page.get_by_role("button", name="Set the gate").click()
    owner.page.get_by_text("The gate is set.").wait_for()

    asker = UserFactory(username="ben", email="ben@example.org")
    person.sign_in(asker)
    assert person.go("/ada-wyn/tides/blob/main/notes.txt").status == 403
    person.faults.clear()  # The browser itself speaks of the 403.
    person.page.get_by_role("link", name="Ask for access").click()
    assert "You must not sell them." in text_of(person)
    person.page.get_by_label("Team").fill("Harbour")
    person.page.get_by_label("I agree").check()
    person.page.get_by_role("button", name="Accept these terms").click()
    person.page.get_by_text("You accepted.").wait_for()
    person.go("/ada-wyn/tides/blob/main/notes.txt")
    assert "hidden words" in text_of(person)

    person.go("/settings/acceptances")
    person.page.get_by_role("link", name="Receipt ada-wyn/tides").click()
    person.page.get_by_role("heading", name="ada-wyn/tides").wait_for()
    assert Acceptance.objects.get().sha256 in text_of(person)
    with person.page.expect_download() as download:
        person.page.get_by_role("link", name="Licence’s text as a file").click()
    assert hashlib.sha256(download.value.path().read_bytes()).hexdigest() == hashlib.sha256(TEXT.encode()).hexdigest()

    put(gated, {"LICENSE": TEXT + "3. You must not fish.\n"})
    person.go("/ada-wyn/tides")
    assert "The terms changed since you accepted them." in text_of(person)
    person.page.get_by_role("link", name="Read the new terms").click()
    assert "You must not fish." in text_of(person)
    person.page.get_by_label("Team").fill("Harbour")
    person.page.get_by_label("I agree").check()
    person.page.get_by_role("button", name="Accept these terms").click()
    person.page.get_by_text("You accepted.").wait_for()
    assert Acceptance.objects.filter(user=asker).count() == 2

    owner.go("/ada-wyn/tides/settings/access/gate")
    owner.page.get_by_role("button", name="Version 2 only mends words").click()
    owner.page.get_by_role("button", name="Version 2 changes the meaning after all").wait_for()
    assert owner.faults == []
    assert person.faults == []


def test_the_terms_of_a_base_are_accepted_once_from_its_childs_page(watch, gated):
    set_gate(repository=gated, user=gated.creator, gated="auto")  # The licence itself demands acceptance.
    child = RepositoryFactory(user=UserFactory(username="cleo"), name="small-tides")
    put(child, {"README.md": "---\nlicense: gemma\nbase_model: ada-wyn/tides\n---\n", "notes.txt": "of the child"})
    assert InheritedGate.objects.get().source == gated
    watched = watch(width=390)
    watched.sign_in(UserFactory(username="ben"))

    watched.go("/cleo/small-tides")
    assert "The files need the terms of what this was made from." in text_of(watched)
    watched.go("/cleo/small-tides/licence")
    assert "It was made from ada-wyn/tides" in text_of(watched)
    watched.page.get_by_role("link", name="Read the terms of tides").click()
    watched.page.get_by_role("button", name="Accept these terms").click()
    watched.page.wait_for_url("**/cleo/small-tides/licence")
    watched.go("/cleo/small-tides/blob/main/notes.txt")

    assert "of the child" in text_of(watched)
    assert watched.faults == []


def test_an_owner_decides_many_at_once_and_finds_one_by_name(watch, gated):
    set_gate(repository=gated, user=gated.creator, gated="manual")
    organisation = OrganisationFactory(name="harbour")
    admin = organisation.memberships.get().user
    people = [UserFactory(username=name) for name in ("ben", "cleo", "dora")]
    for person in people:
        ask_access(repository=gated, user=person, answers={})
    ask_access(repository=gated, user=admin, answers={}, organisation=organisation)
    watched = watch()
    watched.sign_in(gated.creator)

    watched.go("/ada-wyn/tides/settings/access")
    watched.page.get_by_label("Search by name or organisation").fill("harbour")
    watched.page.get_by_role("button", name="Search").click()
    assert watched.page.locator("article.panel").count() == 1
    assert "For all members of" in text_of(watched)
    watched.page.get_by_role("link", name="Show all").click()
    for name in ("ben", "cleo"):
        watched.page.get_by_label(f"Tick {name}").check()
    watched.page.locator("#many").get_by_role("button", name="Accept").click()
    watched.page.get_by_text("2 requests decided.").wait_for()

    assert set(AccessRequest.objects.filter(state="accepted").values_list("user__username", flat=True)) == {
        "ben",
        "cleo",
    }
    assert watched.faults == []


def test_an_owner_is_asked_to_carry_a_licence_that_demands_acceptance(watch, gated):
    watched = watch()
    watched.sign_in(gated.creator)
    watched.go("/ada-wyn/tides")

    watched.page.get_by_role("button", name="Ask people to accept it").click()

    watched.page.get_by_text("People accept the licence now before they get the files.").wait_for()
    gate = Gate.objects.select_related("repository").get()
    assert (gate.repository.gated, gate.with_children) == ("auto", True)
    watched.go("/ada-wyn/tides")
    assert watched.page.get_by_role("button", name="Ask people to accept it").count() == 0
    assert watched.faults == []
