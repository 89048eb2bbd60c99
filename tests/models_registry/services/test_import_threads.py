"""Threads of another hub whose answers are wrong, hostile, or meet threads of our own."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from models_registry.models import DiscussionStatus
from models_registry.services import discussions
from models_registry.services.imports.discussions import bring_threads
from models_registry.services.imports.exceptions import OriginRefused
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


@dataclass
class Told:
    """An origin that answers with what it is given; it reads nothing from a network."""

    rows: list[Any]
    events: list[Any] = field(default_factory=list)
    url: str = "https://there.example"

    def threads(self, page: int) -> dict[str, Any]:
        return {"discussions": [] if page else self.rows, "count": len(self.rows)}

    def thread(self, number: int) -> dict[str, Any]:
        return {"events": self.events}


def row(**changes: Any) -> dict[str, Any]:
    return {"num": 1, "title": "Hello", "status": "open", "isPullRequest": False} | changes


def comment(name: str, text: Any, **data: Any) -> dict[str, Any]:
    return {"id": name, "type": "comment", "author": {"name": "eve"}, "data": {"latest": {"raw": text}} | data}


@pytest.fixture
def repository():
    return RepositoryFactory(user=UserFactory(username="ada"))


@pytest.mark.parametrize(
    "wrong", ["text", None, {"title": "no number"}, row(num=0), row(num="1"), row(num=True), row(num=10**12)]
)
def test_a_list_that_is_none_is_refused_whole(repository, wrong):
    with pytest.raises(OriginRefused):
        bring_threads(repository, Told([wrong]))
    assert not repository.discussions.exists()


def test_a_number_that_is_taken_here_stays_with_whom_it_belongs_to(repository):
    own = discussions.open_discussion(repository=repository, user=repository.creator, title="Mine", text="x")

    pulls, warnings = bring_threads(repository, Told([row(), row(num=2, isPullRequest=True)]))

    own.refresh_from_db()
    assert own.title == "Mine"
    assert pulls == {2}
    assert len(warnings) == 1
    following = discussions.open_discussion(repository=repository, user=repository.creator, title="Next", text="x")
    assert following.number == 3


def test_strange_facts_become_plain_ones_and_a_second_run_adds_nothing(repository):
    events = [
        comment("1", "a\0b"),
        comment("2", "gone", hidden=True),
        comment("3", 7),
        {"id": "4", "type": "title-change", "data": {"from": "a" * 9000, "to": ["no"]}},
        {"id": "5", "type": "unheard-of", "data": {}},
        {"id": None, "type": "comment", "data": {}},
        "text",
    ]
    told = Told([row(status="merged", title=" a \n b\t", createdAt="yesterday", author=3)], events)

    bring_threads(repository, told)
    bring_threads(repository, told)

    thread = repository.discussions.get()
    assert (thread.status, thread.title, thread.writer_name) == (DiscussionStatus.CLOSED, "a b", "?")
    found = list(thread.events.values_list("elsewhere", "text", "writer_name"))
    assert found == [("1", "ab", "eve"), ("2", "", "eve"), ("3", "", "eve"), ("4", "", "?")]
    assert thread.events.get(elsewhere="2").is_hidden
    assert thread.events.get(elsewhere="4").data == {"from": "a" * 500}


def test_what_was_said_later_or_otherwise_is_taken_over(repository):
    bring_threads(repository, Told([row()], [comment("1", "first")]))

    bring_threads(repository, Told([row(status="closed")], [comment("1", "edited"), comment("2", "second")]))

    thread = repository.discussions.get()
    assert thread.status == DiscussionStatus.CLOSED
    assert list(thread.events.values_list("text", flat=True)) == ["edited", "second"]
    assert thread.comment_count == 1
