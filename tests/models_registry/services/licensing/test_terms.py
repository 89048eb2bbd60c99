"""The terms of a gate by version: what is part of them, who accepts anew when, and what it costs to be late."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Role
from accounts.services.people import add_member
from models_registry.exceptions import (
    AccessLapsed,
    AccessRequestNotFound,
    AlreadyAsked,
    AlreadyHasAccess,
    FormChanged,
    InvalidGate,
    NotForOrganisation,
)
from models_registry.models import (
    Acceptance,
    AccessForm,
    AccessRequest,
    AccessState,
    Gate,
    Gated,
    LicenceText,
    Renewal,
    Repository,
)
from models_registry.permissions import Action, can, require
from models_registry.services.access import (
    GateRules,
    ask_access,
    decide_access,
    decide_many,
    form_of,
    grant_access,
    mark_minor,
    set_gate,
    withdraw_access,
)
from models_registry.services.collection import collect
from models_registry.services.holders import delete_account
from models_registry.services.licensing.receipts import receipt_of
from models_registry.services.licensing.terms import same_terms
from models_registry.services.settings import Changes, update_settings
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
AT_ONCE, WITHIN = GateRules(renewal=Renewal.AT_ONCE), GateRules(renewal=Renewal.WITHIN, renew_days=7)
TEXT = b"You may use it.\r\nYou must not sell it.\n"


@pytest.fixture
def repository():
    found = RepositoryFactory()
    put(found, {"LICENSE": TEXT, "README.md": "---\nlicense: gemma\n---\n"})
    found.refresh_from_db()
    return set_gate(repository=found, user=found.creator, gated=Gated.AUTO)


@pytest.fixture
def owner(repository):
    return repository.creator


@pytest.fixture
def asker(repository):
    person = UserFactory()
    ask_access(repository=repository, user=person, answers={})
    return person


def may_download(user, repository) -> bool:
    """By the rule for one repository, which must be the rule of lists as well."""
    repository.refresh_from_db()
    one = can(user, Action.DOWNLOAD, repository)
    assert Repository.objects.downloadable_by(user).filter(pk=repository.pk).exists() == one
    return one


def rule(repository, rules, **more):
    return set_gate(repository=repository, user=repository.creator, gated=repository.gated, rules=rules, **more)


def change(repository, text="Another text.\n"):
    put(repository, {"LICENSE": text})
    repository.refresh_from_db()


def test_the_licence_at_the_head_is_part_of_what_is_accepted(repository, asker) -> None:
    receipt = Acceptance.objects.get(user=asker)

    assert bytes(receipt.text.body) == TEXT
    assert receipt.content["licence_sha256"] == hashlib.sha256(TEXT).hexdigest() == receipt.text.sha256
    assert (receipt.content["licence"], receipt.content["licence_path"]) == ("gemma", "LICENSE")
    assert receipt.sha256 == form_of(repository).sha256() == receipt_of(receipt)["sha256"]


def test_one_text_is_kept_once_for_all_that_show_it(repository, asker) -> None:
    other = RepositoryFactory()
    put(other, {"licence.txt": TEXT})
    other.refresh_from_db()
    set_gate(repository=other, user=other.creator, gated=Gated.AUTO)

    ask_access(repository=other, user=asker, answers={})

    assert LicenceText.objects.count() == 1
    assert Acceptance.objects.filter(user=asker).count() == 2


def test_a_text_that_changed_while_it_was_read_is_not_accepted(repository) -> None:
    seen = form_of(repository).sha256()
    change(repository)

    with pytest.raises(FormChanged):
        ask_access(repository=repository, user=UserFactory(), answers={}, seen_sha256=seen)


def test_by_default_who_accepted_keeps_access(repository, asker) -> None:
    change(repository)

    assert may_download(asker, repository)
    with pytest.raises(AlreadyHasAccess):
        ask_access(repository=repository, user=asker, answers={})


def test_at_once_a_changed_text_closes_until_it_is_accepted(repository, owner, asker) -> None:
    rule(repository, AT_ONCE)
    assert may_download(asker, repository)
    change(repository)

    assert not may_download(asker, repository)
    with pytest.raises(AccessLapsed) as caught:
        require(asker, Action.DOWNLOAD, repository)
    assert (caught.value.wire_status, caught.value.wire_code) == (403, "GatedRepo")
    assert f"/{repository.full_name}/ask-access" in str(caught.value)

    ask_access(repository=repository, user=asker, answers={}, seen_sha256=form_of(repository).sha256())
    assert may_download(asker, repository)
    assert list(AccessRequest.objects.get(user=asker).steps.values_list("action", flat=True)) == [
        "asked",
        "accepted",
        "renewed",
    ]
    assert Acceptance.objects.filter(user=asker).count() == 2


def test_within_some_days_access_goes_on_and_then_stops(repository, owner, asker) -> None:
    rule(repository, WITHIN)
    change(repository)
    request = AccessRequest.objects.get(user=asker)

    assert may_download(asker, repository)
    assert timedelta(days=6) < request.renew_by - timezone.now() <= timedelta(days=7)
    AccessRequest.objects.update(renew_by=timezone.now() - timedelta(seconds=1))
    assert not may_download(asker, repository)
    assert not Repository.objects.downloadable_by(asker).filter(pk=repository.pk).exists()


def test_a_renewal_needs_no_new_decision_of_the_owner(repository, owner) -> None:
    set_gate(repository=repository, user=owner, gated=Gated.MANUAL, rules=AT_ONCE)
    asker = UserFactory()
    request = ask_access(repository=repository, user=asker, answers={})
    decide_access(repository=repository, actor=owner, request=request, state=AccessState.ACCEPTED)
    change(repository)
    assert not may_download(asker, repository)

    renewed = ask_access(repository=repository, user=asker, answers={})

    assert (renewed.state, renewed.decided_by, may_download(asker, repository)) == ("accepted", owner, True)


def test_a_commit_by_who_read_the_repository_before_it_was_gated_counts_all_the_same(owner) -> None:
    repository = RepositoryFactory(user=owner)
    before = Repository.objects.get(pk=repository.pk)
    set_gate(repository=repository, user=owner, gated=Gated.AUTO, rules=AT_ONCE)
    asker = UserFactory()
    ask_access(repository=repository, user=asker, answers={})

    put(before, {"LICENSE": "Another text."})

    assert not may_download(asker, repository)


def test_a_further_change_gives_nobody_more_time(repository, owner, asker) -> None:
    rule(repository, WITHIN)
    change(repository)
    late = timezone.now() - timedelta(days=1)
    AccessRequest.objects.update(renew_by=late)
    ask_access(repository=repository, user=UserFactory(), answers={})  # So that this version is kept.

    change(repository, "A third text.\n")

    assert AccessRequest.objects.get(user=asker).renew_by == late
    assert not may_download(asker, repository)


def test_what_only_mends_words_is_not_asked_again(repository, owner, asker) -> None:
    rule(repository, AT_ONCE)
    change(repository, TEXT + b"\n")
    assert not may_download(asker, repository)
    ask_access(repository=repository, user=UserFactory(), answers={})

    mark_minor(repository=repository, user=owner, version=2, is_minor=True)
    assert may_download(asker, repository)
    mark_minor(repository=repository, user=owner, version=2, is_minor=False)
    assert not may_download(asker, repository)


def test_a_change_of_the_settings_can_be_called_minor_at_once(repository, owner, asker) -> None:
    rule(repository, AT_ONCE)

    set_gate(repository=repository, user=owner, gated=Gated.AUTO, prompt="Please be kind.", is_minor=True)
    assert may_download(asker, repository)
    set_gate(repository=repository, user=owner, gated=Gated.AUTO, prompt="Pay.")
    assert not may_download(asker, repository)


def test_a_minor_change_after_one_that_nobody_accepted_counts_as_both(repository, owner, asker) -> None:
    rule(repository, AT_ONCE)
    change(repository)

    set_gate(repository=repository, user=owner, gated=Gated.AUTO, prompt="Please.", is_minor=True)

    assert not may_download(asker, repository)
    assert list(AccessForm.objects.values_list("version", "is_minor")) == [(2, False), (1, False)]


def test_the_old_text_again_is_the_old_version_again(repository, owner, asker) -> None:
    rule(repository, AT_ONCE)
    change(repository)
    assert not may_download(asker, repository)

    change(repository, TEXT)

    assert may_download(asker, repository)
    assert Gate.objects.get().form.version == 1


def test_a_rule_that_comes_later_counts_from_the_last_change(repository, owner, asker) -> None:
    change(repository)
    Gate.objects.update(terms_since=timezone.now() - timedelta(days=8))

    rule(repository, WITHIN)
    assert not may_download(asker, repository)
    rule(repository, GateRules(renewal=Renewal.WITHIN, renew_days=9))
    assert may_download(asker, repository)
    rule(repository, GateRules())
    assert AccessRequest.objects.get(user=asker).renew_by is None


def test_access_given_unasked_has_nothing_to_renew(repository, owner) -> None:
    person = UserFactory()
    grant_access(repository=repository, actor=owner, username=person.username)
    rule(repository, AT_ONCE)

    change(repository)

    assert may_download(person, repository)


def test_who_asked_with_an_old_text_and_is_accepted_late_renews_as_well(repository, owner) -> None:
    set_gate(repository=repository, user=owner, gated=Gated.MANUAL, rules=AT_ONCE)
    asker = UserFactory()
    request = ask_access(repository=repository, user=asker, answers={})
    change(repository)

    decide_access(repository=repository, actor=owner, request=request, state=AccessState.ACCEPTED)

    assert not may_download(asker, repository)


@pytest.mark.parametrize("days", [0, 366])
def test_days_of_grace_are_bounded(repository, days) -> None:
    with pytest.raises(InvalidGate):
        rule(repository, GateRules(renewal=Renewal.WITHIN, renew_days=days))


def test_the_first_version_is_no_minor_change(repository, owner, asker) -> None:
    for version in (1, 7):
        with pytest.raises(InvalidGate):
            mark_minor(repository=repository, user=owner, version=version, is_minor=True)


def test_a_gate_set_by_program_has_terms_as_well(owner) -> None:
    repository = RepositoryFactory(user=owner)
    put(repository, {"COPYING": TEXT})
    repository.refresh_from_db()

    update_settings(repository=repository, user=owner, changes=Changes(gated=Gated.AUTO))

    assert Gate.objects.get(repository=repository).form.text.sha256 == hashlib.sha256(TEXT).hexdigest()


def test_a_receipt_outlives_the_repository_and_notes_a_withdrawal(repository, asker) -> None:
    request = AccessRequest.objects.get(user=asker)
    withdraw_access(user=asker, public_id=request.public_id)
    name = repository.full_name

    Repository.everything.filter(pk=repository.pk).delete()

    receipt = receipt_of(Acceptance.objects.get(user=asker))
    assert receipt["repository"] == name
    assert receipt["withdrawn_at"] is not None
    assert receipt["terms"]["licence_sha256"] == hashlib.sha256(TEXT).hexdigest()


def test_an_admin_accepts_for_all_members_and_is_on_record(repository) -> None:
    organisation = OrganisationFactory()
    founder, reader = organisation.memberships.get().user, member(organisation, Role.READ)

    with pytest.raises(NotForOrganisation):
        ask_access(repository=repository, user=reader, answers={}, organisation=organisation)
    request = ask_access(repository=repository, user=founder, answers={}, organisation=organisation)

    assert all(may_download(person, repository) for person in (founder, reader))
    assert (request.user, Acceptance.objects.get().organisation_name) == (founder, organisation.name)
    assert not may_download(UserFactory(), repository)
    organisation.memberships.filter(user=reader).delete()
    assert not may_download(reader, repository)


def test_any_admin_withdraws_for_all_and_no_other_member_does(repository) -> None:
    organisation = OrganisationFactory()
    founder, writer = organisation.memberships.get().user, member(organisation, Role.WRITE)
    request = ask_access(repository=repository, user=founder, answers={}, organisation=organisation)

    with pytest.raises(AccessRequestNotFound):
        withdraw_access(user=writer, public_id=request.public_id)
    add_member(organisation=organisation, user=writer, role=Role.ADMIN, by=founder)
    withdraw_access(user=writer, public_id=request.public_id)

    assert not may_download(founder, repository)


def test_what_was_accepted_for_an_organisation_outlives_the_account(repository) -> None:
    organisation = OrganisationFactory()
    founder, other = organisation.memberships.get().user, member(organisation, Role.ADMIN)
    ask_access(repository=repository, user=founder, answers={})
    ask_access(repository=repository, user=founder, answers={}, organisation=organisation)

    delete_account(user=founder)

    assert may_download(other, repository)
    assert [row.user for row in Acceptance.objects.all()] == [other]


def test_a_person_and_her_organisation_have_a_row_each_and_no_more(repository) -> None:
    organisation = OrganisationFactory()
    founder = organisation.memberships.get().user
    ask_access(repository=repository, user=founder, answers={})
    ask_access(repository=repository, user=founder, answers={}, organisation=organisation)

    for more in ({}, {"organisation": organisation}):
        with pytest.raises(AlreadyHasAccess):
            ask_access(repository=repository, user=founder, answers={}, **more)
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessRequest.objects.create(repository=repository, user=founder, updated_at=timezone.now(), **more)


def test_many_are_decided_at_once_and_what_is_so_already_is_passed_over(repository, owner) -> None:
    set_gate(repository=repository, user=owner, gated=Gated.MANUAL)
    asked = [ask_access(repository=repository, user=UserFactory(), answers={}) for _ in range(3)]
    with pytest.raises(AlreadyAsked):
        ask_access(repository=repository, user=asked[0].user, answers={})
    decide_access(repository=repository, actor=owner, request=asked[0], state=AccessState.ACCEPTED)
    ids = [request.public_id for request in asked] + ["0" * 24]

    done = decide_many(repository=repository, actor=owner, public_ids=ids, state=AccessState.ACCEPTED)

    assert done == 2
    assert repository.access_requests.filter(state="accepted").count() == 3


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
def test_meaning_the_same_is_an_equivalence(minor, data) -> None:
    versions = [(number, flag) for number, flag in enumerate(minor, start=1)]
    one = data.draw(st.integers(1, len(minor)))
    same = same_terms(versions, one)

    assert one in same
    assert all(same_terms(versions, other) == same for other in same)
    assert same == set(range(min(same), max(same) + 1))


def test_texts_that_nothing_points_to_go_after_the_time_of_grace() -> None:
    """One is in the terms, one in a receipt alone, one in neither."""
    found, asker = RepositoryFactory(), UserFactory()

    def says(text):
        put(found, {"LICENSE": text, "README.md": "---\nlicense: mit\n---\n"})
        set_gate(repository=Repository.objects.get(pk=found.pk), user=found.creator, gated=Gated.AUTO)

    for text in ("Accepted.", "Never accepted.", "Now."):
        says(text)
        if text == "Accepted.":
            ask_access(repository=found, user=asker, answers={})
    Acceptance.objects.get().step.delete()
    AccessRequest.objects.all().delete()
    AccessForm.objects.exclude(pk=Gate.objects.get().form_id).delete()
    bodies = lambda: {bytes(row.body) for row in LicenceText.objects.all()}  # noqa: E731
    assert bodies() == {b"Accepted.", b"Never accepted.", b"Now."}

    assert collect().licence_texts == 0  # Too young.
    assert collect(grace=timedelta(0), dry_run=True).licence_texts == 1
    assert collect(grace=timedelta(0)).licence_texts == 1
    assert bodies() == {b"Accepted.", b"Now."}
    says("Never accepted.")
    assert b"Never accepted." in bodies()
