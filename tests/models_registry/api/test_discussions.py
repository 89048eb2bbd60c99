"""The wire of discussions: what clients do not try. What they do is tried in tests/contracts/test_community.py."""

import json

import pytest
from django.test import Client, override_settings

from accounts.models import Scope, User
from models_registry.models import Discussion, Gated, Repository
from models_registry.services.discussions import comment, open_discussion
from models_registry.services.pull_requests import open_pull_request
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory, bearer
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def ask(method: str, address: str, user: User | None = None, body: object = None, scope: Scope = Scope.WRITE):
    data = body if isinstance(body, str | bytes) else json.dumps({} if body is None else body)
    headers = bearer(user, scope) if user else {}
    return Client().generic(method, address, data, content_type="application/json", headers=headers)


def at(repository: Repository, rest: str = "") -> str:
    return f"/api/models/{repository.full_name}/discussions{rest}"


@pytest.mark.parametrize(
    "query",
    ["p=-1", "p=x", "p=1.5", "p=99999999", "type=issue", "status=merged", "p=²"],
)
def test_bad_queries_are_refused(query: str):
    answer = ask("GET", at(RepositoryFactory(), f"?{query}"))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")


@pytest.mark.parametrize("number", ["0", "7", "9" * 40])
def test_a_thread_that_is_not_there_is_not_found(number: str):
    answer = ask("GET", at(RepositoryFactory(), f"/{number}"))

    assert (answer.status_code, answer.json()["code"]) == (404, "discussion_not_found")


@pytest.mark.parametrize(
    ("rest", "body", "code"),
    [
        ("", {}, "bad_body"),
        ("", {"title": 5}, "bad_body"),
        ("", {"title": "ab"}, "invalid_discussion"),
        ("", {"title": "A\x00title"}, "bad_body"),
        ("", {"title": "A title", "description": "x" * 70_000}, "invalid_discussion"),
        ("", [], "bad_body"),
        ("", "{", "bad_body"),
        ("/1/comment", {"comment": " "}, "invalid_discussion"),
        ("/1/comment", {}, "bad_body"),
        ("/1/title", {"title": ""}, "invalid_discussion"),
        ("/1/status", {"status": "merged"}, "bad_body"),
        ("/1/status", {"status": "draft"}, "bad_body"),
        ("/1/merge", None, "invalid_discussion"),
        ("/1/merge", "null", "invalid_discussion"),
        ("/1/merge", "[]", "bad_body"),
    ],
)
def test_bad_bodies_are_refused(rest: str, body: object, code: str):
    repository = RepositoryFactory()
    open_discussion(repository=repository, user=repository.creator, title="A question", text="Why?")

    answer = ask("POST", at(repository, rest), repository.creator, body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("comment_id", ["x", "f" * 24, "F" * 300, "%00"])
def test_comments_are_found_by_their_id_in_their_own_thread_alone(comment_id: str):
    repository = RepositoryFactory()
    user = repository.creator
    first = open_discussion(repository=repository, user=user, title="A question", text="Why?")
    other = open_discussion(repository=repository, user=user, title="Another", text="How?")
    known = other.events.get().public_id

    for each in (comment_id, known):
        answer = ask("POST", at(repository, f"/{first.number}/comment/{each}/hide"), user)
        assert answer.status_code in {400, 404}
    assert ask("POST", at(repository, f"/{other.number}/comment/{known.upper()}/hide"), user).status_code == 200


@pytest.mark.parametrize("address", ["/uploads/%00", "/uploads/x", "/uploads/" + "F" * 32])
def test_pictures_of_other_names_are_not_there(address: str):
    assert ask("GET", address, UserFactory()).status_code == 404


@pytest.mark.parametrize("rest", ["title", "comment", "comments/{id}/edit", "comments/{id}/react"])
def test_a_form_with_a_nul_is_refused_not_stored(rest: str):
    repository = RepositoryFactory()
    thread = open_discussion(repository=repository, user=repository.creator, title="A question", text="Why?")
    browser = Client()
    browser.force_login(repository.creator)
    address = f"/{repository.full_name}/discussions/1/" + rest.format(id=thread.events.get().public_id)

    answer = browser.post(address, {"title": "A\x00b title", "text": "A\x00b", "word": "a\x00"})

    assert answer.status_code in {302, 400}
    assert Discussion.objects.get().title == "A question"
    assert [event.text for event in thread.events.all()] == ["Why?"]


def test_the_list_pages_by_number_and_counts_what_is_closed():
    repository = RepositoryFactory()
    for number in range(53):
        made = open_discussion(repository=repository, user=repository.creator, title=f"Question {number}")
    Discussion.objects.filter(pk=made.pk).update(status="closed")

    first, second = (ask("GET", at(repository, f"?p={page}")).json() for page in (0, 1))

    assert (first["count"], first["start"], len(first["discussions"])) == (53, 0, 50)
    assert (second["count"], second["start"], len(second["discussions"])) == (53, 50, 3)
    assert first["numClosedDiscussions"] == 1
    assert first["discussions"][0] == {
        "num": 53,
        "title": "Question 52",
        "createdAt": first["discussions"][0]["createdAt"],
        "status": "closed",
        "isPullRequest": False,
        "numComments": 0,
        "pinned": False,
        "locked": False,
        "repo": {"name": repository.full_name, "type": "model"},
        "author": {"name": repository.creator.username, "fullname": repository.creator.username, "type": "user"},
    }


def test_a_list_and_a_thread_cost_a_constant_number_of_queries(django_assert_max_num_queries):
    repository = RepositoryFactory()
    thread = open_discussion(repository=repository, user=repository.creator, title="Long", text="See #1 @ada")
    for number in range(30):
        comment(discussion=thread, user=UserFactory(), text=f"**{number}** says @{repository.creator.username} #1")

    with django_assert_max_num_queries(6):
        ask("GET", at(repository))
    with django_assert_max_num_queries(12):
        assert len(ask("GET", at(repository, "/1?diff=1")).json()["events"]) == 31


def test_of_somebody_who_left_no_author_is_told_and_nothing_breaks():
    repository, user = RepositoryFactory(), UserFactory()
    open_discussion(repository=repository, user=user, title="A question", text="Why?")
    user.delete()

    answer = ask("GET", at(repository, "/1")).json()

    assert "author" not in answer
    assert "author" not in answer["events"][0]
    assert answer["events"][0]["data"]["latest"]["raw"] == "Why?"


def test_what_is_hidden_is_told_to_nobody():
    repository = RepositoryFactory()
    thread = open_discussion(repository=repository, user=repository.creator, title="A question", text="Secret words")
    event = thread.events.get()
    ask("POST", at(repository, f"/1/comment/{event.public_id}/edit"), repository.creator, {"content": "Other secret"})
    ask("POST", at(repository, f"/1/comment/{event.public_id}/hide"), repository.creator)

    answer = ask("GET", at(repository, "/1"), repository.creator)

    assert "ecret" not in answer.content.decode()
    assert answer.json()["events"][0]["data"]["hidden"] is True


def test_where_discussions_are_switched_off_every_door_says_so():
    repository = RepositoryFactory()
    open_discussion(repository=repository, user=repository.creator, title="A question", text="Why?")
    repository.discussions_disabled = True
    repository.save()

    for method, rest, body in (
        ("GET", "", None),
        ("POST", "", {"title": "Another"}),
        ("POST", "/1/comment", {"comment": "Yes"}),
    ):
        answer = ask(method, at(repository, rest), repository.creator, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "discussions_disabled")
        assert answer["X-Error-Message"] == "Discussions are disabled for this repository."
    made = ask("POST", f"/api/models/{repository.full_name}/commit/main?create_pr=1", UserFactory(), "{}")
    assert made.status_code == 403


@override_settings(SMALLHUB_COMMENTS_PER_HOUR=1)
def test_a_flood_is_answered_with_429_and_when_to_come_back():
    repository = RepositoryFactory()
    open_discussion(repository=repository, user=repository.creator, title="A question", text="Why?")

    answers = [ask("POST", at(repository, "/1/comment"), repository.creator, {"comment": "Me!"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert 0 < int(answers[1]["Retry-After"]) <= 3600


def test_the_difference_of_a_gated_repository_is_for_those_who_were_let_in():
    repository = RepositoryFactory()
    put(repository, {"a.txt": "one\n"})
    change = [AddFile("a.txt", b"two\n")]
    open_pull_request(repository=repository, user=repository.creator, title="Change it", operations=change)
    Repository.objects.update(gated=Gated.MANUAL)

    stranger = ask("GET", at(repository, "/1?diff=1"), UserFactory()).json()
    owner = ask("GET", at(repository, "/1?diff=1"), repository.creator).json()

    assert "diff" not in stranger
    assert "-one\n+two\n" in owner["diff"]


def test_pull_requests_of_data_sets_and_apps_have_addresses_of_their_own():
    for kind, plural in (("dataset", "datasets"), ("app", "spaces")):
        repository = RepositoryFactory(kind=kind)
        answer = ask(
            "POST",
            f"/api/{plural}/{repository.full_name}/discussions",
            UserFactory(),
            {"title": "A proposal", "pullRequest": True},
        )
        assert answer.json()["url"].endswith(f"/{plural}/{repository.full_name}/discussions/1")
