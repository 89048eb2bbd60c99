import pytest

from accounts.models import Role
from models_registry.models import AccessRequest, AccessState, Gated
from models_registry.services.access import ask_access, decide_access, form_of, set_gate
from models_registry.services.repositories import create_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository():
    found = RepositoryFactory()
    put(found, {"notes.txt": "hidden words"})
    found.refresh_from_db()
    return set_gate(
        repository=found,
        user=found.creator,
        gated=Gated.MANUAL,
        prompt="Be **kind**. <script>alert(1)</script>",
        fields="Team: text\nUse: select: work, play\nI agree: checkbox",
    )


@pytest.fixture
def asker(client):
    person = UserFactory(email="ada@example.org")
    client.force_login(person)
    return person


def page(repository, rest=""):
    return f"/{repository.full_name}{rest}"


def answered(repository, **changes):
    return {"Team": "Harbour", "Use": "play", "I agree": "on", "form": form_of(repository).sha256()} | changes


def test_the_form_is_read_filled_in_and_waits(client, repository, asker) -> None:
    shown = client.get(page(repository, "/ask-access")).content.decode()
    assert "Be <strong>kind</strong>" in shown
    assert "<script>alert" not in shown
    assert 'name="Team"' in shown

    answer = client.post(page(repository, "/ask-access"), answered(repository))
    assert answer.status_code == 302
    request = AccessRequest.objects.get()
    assert (request.state, request.answers) == ("pending", {"Team": "Harbour", "Use": "play", "I agree": True})
    assert "You asked on" in client.get(page(repository, "/ask-access")).content.decode()
    assert "You asked for the files on" in client.get(page(repository)).content.decode()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"Team": ""}, 400, "Team: this is needed."),
        ({"Use": "sell"}, 400, "Use: choose one of the options."),
        ({"form": "0" * 64}, 409, "changed this form"),
    ],
)
def test_a_faulty_form_comes_back_with_what_was_typed(client, repository, asker, changes, status, words) -> None:
    answer = client.post(page(repository, "/ask-access"), answered(repository, **changes))

    shown = answer.content.decode()
    assert answer.status_code == status
    assert words in shown
    assert changes.get("Team") == "" or 'value="Harbour"' in shown
    assert not AccessRequest.objects.exists()


def test_where_asking_is_enough_the_files_open_at_once(client, repository, asker) -> None:
    set_gate(repository=repository, user=repository.creator, gated=Gated.AUTO)
    assert client.get(page(repository, "/blob/main/notes.txt")).status_code == 403

    client.post(page(repository, "/ask-access"), answered(repository))

    assert "hidden words" in client.get(page(repository, "/blob/main/notes.txt")).content.decode()
    assert client.get(page(repository, "/ask-access")).status_code == 302


def test_who_is_rejected_reads_why(client, repository, asker) -> None:
    request = ask_access(repository=repository, user=asker, answers=answered(repository))
    decide_access(
        repository=repository,
        actor=repository.creator,
        request=request,
        state=AccessState.REJECTED,
        reason="Only for <schools>.",
    )

    for address in (page(repository), page(repository, "/ask-access"), "/settings/access"):
        assert "Only for &lt;schools&gt;." in client.get(address).content.decode()
    assert client.post(page(repository, "/ask-access"), answered(repository)).status_code == 409


def test_one_sees_and_withdraws_what_one_asked_for(client, repository, asker) -> None:
    request = ask_access(repository=repository, user=asker, answers=answered(repository))
    assert repository.full_name in client.get("/settings/access").content.decode()

    client.post(f"/settings/access/{request.public_id}/withdraw")

    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert 'name="Team"' in client.get(page(repository, "/ask-access")).content.decode()


def test_an_owner_decides_with_a_reason_and_back(client, repository) -> None:
    person = UserFactory(email="ada@example.org")
    request = ask_access(repository=repository, user=person, answers=answered(repository))
    client.force_login(repository.creator)
    shown = client.get(page(repository, "/settings/access")).content.decode()
    assert "ada@example.org" in shown
    assert "Harbour" in shown
    assert repository.full_name in client.get("/settings/access").content.decode()

    decision = page(repository, f"/settings/access/{request.public_id}")
    for status, reason in (("accepted", ""), ("rejected", "Too late"), ("pending", "")):
        client.post(decision, {"status": status, "reason": reason})
        request.refresh_from_db()
        assert (request.state, request.reason) == (status, reason)
    assert client.post(decision, {"status": "pending"}, follow=True).status_code == 200  # Twice is said, not broken.
    assert client.post(decision, {"status": "gone"}).status_code == 404


def test_an_owner_gives_access_by_name(client, repository) -> None:
    person = UserFactory()
    client.force_login(repository.creator)

    client.post(page(repository, "/settings/access/grant"), {"user": person.username})
    answer = client.post(page(repository, "/settings/access/grant"), {"user": "nobody-here"}, follow=True)

    assert AccessRequest.objects.get().state == "accepted"
    assert "nobody-here" in answer.content.decode()


def test_an_owner_sets_the_gate_and_hears_of_bad_lines(client, repository) -> None:
    client.force_login(repository.creator)
    address = page(repository, "/settings/access/gate")

    bad = client.post(address, {"gated": "auto", "prompt": "x", "fields": "no kind"})
    assert bad.status_code == 400
    assert "no kind" in bad.content.decode()
    repository.refresh_from_db()
    assert repository.gated == "manual"

    client.post(address, {"gated": "auto", "prompt": "New words", "fields": "Team: text"})
    repository.refresh_from_db()
    assert (repository.gated, repository.gate.prompt) == ("auto", "New words")


def test_the_table_is_a_file_for_the_owner(client, repository) -> None:
    ask_access(repository=repository, user=UserFactory(), answers=answered(repository))
    client.force_login(repository.creator)

    answer = client.get(page(repository, "/settings/access/export"))

    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("user,full_name,email,status")
    assert len(lines) == 2
    assert "attachment" in answer["Content-Disposition"]


def test_a_writer_reviews_without_the_settings_of_an_admin(client) -> None:
    organisation = OrganisationFactory()
    founder, writer = organisation.memberships.get().user, member(organisation, Role.WRITE)
    repository = create_repository(user=founder, namespace=organisation.name, name="tiny", kind="model")
    set_gate(repository=repository, user=founder, gated=Gated.MANUAL)
    ask_access(repository=repository, user=UserFactory(username="asker"), answers={})
    client.force_login(writer)

    shown = client.get(page(repository, "/settings/access")).content.decode()

    assert "asker" in shown
    assert "/settings/access/gate" not in shown
    assert client.post(page(repository, "/settings/access/gate"), {"gated": ""}).status_code == 403


def test_the_queue_costs_a_constant_number_of_queries(client, repository, django_assert_max_num_queries) -> None:
    for _ in range(6):
        ask_access(repository=repository, user=UserFactory(), answers=answered(repository))
    client.force_login(repository.creator)

    with django_assert_max_num_queries(25):
        assert client.get(page(repository, "/settings/access")).status_code == 200


def test_a_token_does_not_open_the_list_of_ones_own(client) -> None:
    assert client.get("/settings/access").status_code == 302
