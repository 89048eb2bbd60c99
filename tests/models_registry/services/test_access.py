import csv

import pytest

from accounts.exceptions import NamespaceNotFound, ScopeTooSmall
from accounts.models import Role, Scope
from models_registry.exceptions import (
    AccessRejected,
    AccessRequestNotFound,
    AlreadyAsked,
    AlreadyHasAccess,
    AnswersIncomplete,
    FormChanged,
    GatedRepository,
    InvalidGate,
    NotGated,
    RepositoryForbidden,
    RepositoryNotFound,
    SameAccessState,
)
from models_registry.models import AccessForm, AccessRequest, AccessState, Gated, Visibility, WebhookDelivery
from models_registry.permissions import Action, can
from models_registry.services.access import (
    ask_access,
    decide_access,
    find_request,
    form_of,
    grant_access,
    set_gate,
    withdraw_access,
)
from models_registry.services.licensing.receipts import requests_as_csv
from models_registry.services.repositories import create_repository, set_visibility
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory, put
from tests.models_registry.services.test_events import watching

pytestmark = pytest.mark.django_db
PENDING, ACCEPTED, REJECTED = AccessState.PENDING, AccessState.ACCEPTED, AccessState.REJECTED


@pytest.fixture
def repository():
    found = RepositoryFactory()
    return set_gate(repository=found, user=found.creator, gated=Gated.MANUAL)


@pytest.fixture
def owner(repository):
    return repository.creator


def may_download(user, repository) -> bool:
    return can(user, Action.DOWNLOAD, repository)


def steps(request) -> list[str]:
    return list(request.steps.values_list("action", flat=True))


def test_who_asks_waits_until_the_owner_accepts(repository, owner) -> None:
    asker = UserFactory()

    request = ask_access(repository=repository, user=asker, answers={})
    assert (request.state, may_download(asker, repository)) == (PENDING, False)

    decide_access(repository=repository, actor=owner, request=request, state=ACCEPTED)
    assert may_download(asker, repository)
    assert steps(request) == ["asked", "accepted"]


def test_with_an_automatic_gate_asking_opens_at_once(repository, owner) -> None:
    set_gate(repository=repository, user=owner, gated=Gated.AUTO)
    asker = UserFactory()

    request = ask_access(repository=repository, user=asker, answers={})

    assert (request.state, request.decided_by, may_download(asker, repository)) == (ACCEPTED, None, True)
    assert steps(request) == ["asked", "accepted"]


def test_access_that_is_taken_back_ends(repository, owner) -> None:
    asker = UserFactory()
    request = grant_access(repository=repository, actor=owner, username=asker.username.upper())
    assert may_download(asker, repository)

    rejected = decide_access(
        repository=repository, actor=owner, request=request, state=REJECTED, reason=" No \n reason "
    )
    assert (rejected.reason, may_download(asker, repository)) == ("No reason", False)
    pending = decide_access(repository=repository, actor=owner, request=request, state=PENDING)
    assert (pending.reason, pending.decided_at, may_download(asker, repository)) == ("", None, False)
    assert steps(request) == ["granted", "rejected", "cancelled"]


@pytest.mark.parametrize("state", [PENDING, ACCEPTED, REJECTED])
def test_the_same_decision_twice_is_refused(repository, owner, state) -> None:
    request = ask_access(repository=repository, user=UserFactory(), answers={})
    if state != PENDING:
        decide_access(repository=repository, actor=owner, request=request, state=state)

    with pytest.raises(SameAccessState):
        decide_access(repository=repository, actor=owner, request=request, state=state)


def test_asking_twice_is_refused_and_so_is_asking_after_a_rejection(repository, owner) -> None:
    asker = UserFactory()
    request = ask_access(repository=repository, user=asker, answers={})
    with pytest.raises(AlreadyAsked):
        ask_access(repository=repository, user=asker, answers={})

    decide_access(repository=repository, actor=owner, request=request, state=REJECTED, reason="Not yet.")
    with pytest.raises(AccessRejected, match=r"Not yet\."):
        ask_access(repository=repository, user=asker, answers={})
    with pytest.raises(AccessRejected):
        withdraw_access(user=asker, public_id=request.public_id)


def test_what_was_withdrawn_can_be_asked_anew(repository, owner) -> None:
    asker = UserFactory()
    request = ask_access(repository=repository, user=asker, answers={})

    withdraw_access(user=asker, public_id=request.public_id)
    with pytest.raises(AccessRequestNotFound):
        decide_access(repository=repository, actor=owner, request=request, state=ACCEPTED)
    with pytest.raises(SameAccessState):
        withdraw_access(user=asker, public_id=request.public_id)

    assert ask_access(repository=repository, user=asker, answers={}).pk == request.pk
    assert steps(request) == ["asked", "withdrawn", "asked"]


def test_giving_access_up_ends_it(repository, owner) -> None:
    asker = UserFactory()
    request = grant_access(repository=repository, actor=owner, username=asker.username)

    withdraw_access(user=asker, public_id=request.public_id)

    assert not may_download(asker, repository)


def test_nobody_withdraws_what_is_anothers(repository) -> None:
    request = ask_access(repository=repository, user=UserFactory(), answers={})

    with pytest.raises(AccessRequestNotFound):
        withdraw_access(user=UserFactory(), public_id=request.public_id)


def test_who_has_access_need_not_ask(repository, owner) -> None:
    with pytest.raises(AlreadyHasAccess):
        ask_access(repository=repository, user=owner, answers={})
    with pytest.raises(AlreadyHasAccess):
        grant_access(repository=repository, actor=owner, username=owner.username)


def test_granting_needs_a_person(repository, owner) -> None:
    with pytest.raises(NamespaceNotFound):
        grant_access(repository=repository, actor=owner, username="nobody-here")


def test_without_a_gate_there_is_nothing_to_ask_or_decide() -> None:
    repository = RepositoryFactory()
    asker = UserFactory()

    with pytest.raises(NotGated):
        ask_access(repository=repository, user=asker, answers={})
    with pytest.raises(NotGated):
        grant_access(repository=repository, actor=repository.creator, username=asker.username)


def test_what_is_hidden_cannot_be_asked_for(repository, owner) -> None:
    set_visibility(repository=repository, user=owner, visibility=Visibility.PRIVATE)

    with pytest.raises(RepositoryNotFound):
        ask_access(repository=repository, user=UserFactory(), answers={})


def test_only_writers_decide_and_only_admins_set_the_gate() -> None:
    organisation = OrganisationFactory()
    founder, writer, reader = (
        organisation.memberships.get().user,
        member(organisation, Role.WRITE),
        member(organisation, Role.READ),
    )
    repository = create_repository(user=founder, namespace=organisation.name, name="tiny", kind="model")
    set_gate(repository=repository, user=founder, gated=Gated.MANUAL)
    request = ask_access(repository=repository, user=UserFactory(), answers={})

    with pytest.raises(RepositoryForbidden):
        set_gate(repository=repository, user=writer, gated=Gated.OFF)
    with pytest.raises(RepositoryForbidden):
        decide_access(repository=repository, actor=reader, request=request, state=ACCEPTED)
    assert decide_access(repository=repository, actor=writer, request=request, state=ACCEPTED).state == ACCEPTED


def test_a_reading_token_does_not_ask(repository) -> None:
    asker = UserFactory()
    asker.scope = Scope.READ  # type: ignore[misc]

    with pytest.raises(ScopeTooSmall):
        ask_access(repository=repository, user=asker, answers={})


def test_a_request_of_another_repository_is_not_found_here(repository, owner) -> None:
    other = RepositoryFactory(user=owner)
    set_gate(repository=other, user=owner, gated=Gated.MANUAL)
    request = ask_access(repository=other, user=UserFactory(), answers={})

    with pytest.raises(AccessRequestNotFound):
        decide_access(repository=repository, actor=owner, request=request, state=ACCEPTED)
    with pytest.raises(AccessRequestNotFound):
        find_request(repository, public_id=request.public_id)


def test_what_was_agreed_to_is_kept_by_version(repository, owner) -> None:
    first, second, third = UserFactory(), UserFactory(), UserFactory()
    set_gate(repository=repository, user=owner, gated=Gated.MANUAL, prompt="Be kind.", fields="Team: text")
    one = ask_access(repository=repository, user=first, answers={"Team": "a"})
    same = ask_access(repository=repository, user=second, answers={"Team": "b"})
    put(repository, {"README.md": "---\nextra_gated_prompt: Be kinder.\n---\n"})
    repository.refresh_from_db()
    other = ask_access(repository=repository, user=third, answers={"Team": "c"})

    assert [one.form.version, same.form.version, other.form.version] == [1, 1, 2]
    assert one.form.content["prompt"] == "Be kind."
    assert other.form.sha256 == form_of(repository).sha256() != one.form.sha256
    assert one.steps.get().answers == {"Team": "a"}
    assert AccessForm.objects.count() == 2


def test_a_form_that_changed_while_it_was_read_is_not_agreed_to(repository, owner) -> None:
    seen = form_of(repository).sha256()
    set_gate(repository=repository, user=owner, gated=Gated.MANUAL, prompt="Another text.")

    with pytest.raises(FormChanged):
        ask_access(repository=repository, user=UserFactory(), answers={}, seen_sha256=seen)


def test_missing_answers_are_refused(repository, owner) -> None:
    set_gate(repository=repository, user=owner, gated=Gated.AUTO, fields="Team: text\nI agree: checkbox")

    with pytest.raises(AnswersIncomplete, match=r"Team.*I agree"):
        ask_access(repository=repository, user=UserFactory(), answers={})
    assert not AccessRequest.objects.exists()


def test_bad_fields_change_nothing(repository, owner) -> None:
    with pytest.raises(InvalidGate):
        set_gate(repository=repository, user=owner, gated=Gated.OFF, fields="no field")

    repository.refresh_from_db()
    assert repository.gated == Gated.MANUAL


def test_a_new_gate_is_news(repository, owner) -> None:
    watching("model", repository.full_name)

    set_gate(repository=repository, user=owner, gated=Gated.AUTO)

    assert WebhookDelivery.objects.get().scope == "repo.config"


def test_the_table_for_owners_has_all_answers_and_no_formulas(repository, owner) -> None:
    set_gate(repository=repository, user=owner, gated=Gated.MANUAL, fields="Team: text")
    asker = UserFactory(email="ada@example.org")
    ask_access(repository=repository, user=asker, answers={"Team": '=HYPERLINK("x")'})
    granted = UserFactory(email="eve@example.org")
    grant_access(repository=repository, actor=owner, username=granted.username)

    rows = list(csv.DictReader("".join(requests_as_csv(repository=repository, actor=owner)).splitlines()))

    assert [(row["user"], row["email"], row["status"], row["Team"]) for row in rows] == [
        (asker.username, "ada@example.org", "pending", '\'=HYPERLINK("x")'),
        (granted.username, "", "accepted", ""),
    ]
    assert rows[0]["form_sha256"] == form_of(repository).sha256()


def test_the_table_is_for_owners(repository) -> None:
    with pytest.raises(RepositoryForbidden):
        requests_as_csv(repository=repository, actor=UserFactory())


def test_files_of_a_gated_repository_say_that_they_are(repository, client) -> None:
    answer = client.get(f"/{repository.full_name}/resolve/main/.gitattributes")

    assert (answer.status_code, answer["X-Error-Code"]) == (401, GatedRepository.wire_code)
    assert f"/{repository.full_name}" in answer.json()["error"]
