import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import Role, Scope
from models_registry.exceptions import (
    DiscussionLocked,
    DiscussionsDisabled,
    InvalidDiscussion,
    NotTheAuthor,
    NotYours,
    RepositoryForbidden,
    RepositoryNotFound,
    TooOften,
    WrongStatus,
)
from models_registry.models import (
    Discussion,
    DiscussionStatus,
    EventKind,
    Mention,
    Reaction,
    Webhook,
    WebhookDelivery,
    WebhookWatch,
)
from models_registry.services import discussions, limits
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def opened(repository=None, user=None, title="A question", text="Why?") -> Discussion:
    repository = repository or RepositoryFactory()
    return discussions.open_discussion(repository=repository, user=user or UserFactory(), title=title, text=text)


def test_numbers_follow_each_other_in_each_repository():
    one, other = RepositoryFactory(), RepositoryFactory()

    assert [opened(one).number, opened(one).number, opened(other).number] == [1, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_of_many_openings_at_once_each_gets_its_own_number():
    repository, users = RepositoryFactory(), [UserFactory() for _ in range(8)]
    faults: list[Exception] = []

    def work(user):
        try:
            for _ in range(3):
                opened(repository, user)
        except Exception as error:  # noqa: BLE001 - told by the test below.
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert sorted(repository.discussions.values_list("number", flat=True)) == list(range(1, 25))


@pytest.mark.parametrize("title", ["", "ab", "  a  ", "x" * 201])
def test_titles_are_neither_too_short_nor_too_long(title: str):
    with pytest.raises(InvalidDiscussion):
        opened(title=title)
    assert not Discussion.objects.exists()


def test_a_stranger_neither_finds_nor_opens_anything_in_a_private_repository():
    repository = RepositoryFactory(private=True)

    with pytest.raises(RepositoryNotFound):
        opened(repository)


def test_a_token_that_only_reads_opens_nothing():
    user = UserFactory()
    user.scope = Scope.READ

    with pytest.raises(Exception, match="token"):
        opened(user=user)


def test_where_discussions_are_switched_off_nobody_opens_or_answers():
    thread = opened()
    thread.repository.discussions_disabled = True
    thread.repository.save()

    with pytest.raises(DiscussionsDisabled):
        opened(thread.repository)
    with pytest.raises(DiscussionsDisabled):
        discussions.comment(discussion=thread, user=thread.author, text="Hello?")


def test_an_edit_keeps_what_was_said_and_whom_it_names_now():
    ada, bob = UserFactory(username="ada"), UserFactory(username="bob")
    thread = opened(user=UserFactory(), text="Ask @ada.")
    first = thread.events.get()

    discussions.edit_comment(discussion=thread, event=first, user=thread.author, text="Ask @bob.")

    assert [version.text for version in first.versions.all()] == ["Ask @ada."]
    assert [mention.user for mention in Mention.objects.all()] == [bob]
    assert not Mention.objects.of(ada).exists()


def test_only_the_author_edits_and_nobody_edits_what_is_hidden():
    thread = opened()
    first = thread.events.get()
    with pytest.raises(NotTheAuthor):
        discussions.edit_comment(discussion=thread, event=first, user=thread.repository.creator, text="Mine now.")

    discussions.hide_comment(discussion=thread, event=first, user=thread.repository.creator)

    with pytest.raises(WrongStatus):
        discussions.edit_comment(discussion=thread, event=first, user=thread.author, text="But I said…")


def test_a_stranger_neither_hides_renames_nor_closes():
    thread, stranger = opened(), UserFactory()

    with pytest.raises(NotYours):
        discussions.hide_comment(discussion=thread, event=thread.events.get(), user=stranger)
    with pytest.raises(NotYours):
        discussions.rename_discussion(discussion=thread, user=stranger, title="Other")
    with pytest.raises(NotYours):
        discussions.set_status(discussion=thread, user=stranger, status=DiscussionStatus.CLOSED)
    with pytest.raises(RepositoryForbidden):
        discussions.set_mark(discussion=thread, user=stranger, pinned=True)


def test_a_locked_thread_takes_words_of_writers_alone():
    thread = opened()
    owner = thread.repository.creator
    discussions.set_mark(discussion=thread, user=owner, locked=True, pinned=True)

    with pytest.raises(DiscussionLocked):
        discussions.comment(discussion=thread, user=thread.author, text="One more thing")
    discussions.comment(discussion=thread, user=owner, text="That is that.")

    kinds = list(thread.events.values_list("kind", flat=True))
    assert kinds == [EventKind.COMMENT, EventKind.PINNING, EventKind.LOCKING, EventKind.COMMENT]


def test_a_thread_closes_once_and_opens_again():
    thread = opened()
    stale = Discussion.objects.select_related("repository__namespace").get(pk=thread.pk)

    discussions.set_status(discussion=thread, user=thread.author, status=DiscussionStatus.CLOSED, text="Done.")
    with pytest.raises(WrongStatus):
        discussions.set_status(discussion=thread, user=thread.author, status=DiscussionStatus.CLOSED)
    with pytest.raises(WrongStatus):
        discussions.set_status(discussion=stale, user=thread.author, status=DiscussionStatus.CLOSED)
    discussions.set_status(discussion=thread, user=thread.author, status=DiscussionStatus.OPEN)

    assert thread.events.filter(kind=EventKind.STATUS).count() == 2


def test_each_person_has_one_word_for_a_comment():
    thread, user = opened(), UserFactory()
    first = thread.events.get()

    for word in ("agree", "thanks"):
        discussions.react(discussion=thread, event=first, user=user, kind=word)
    assert list(Reaction.objects.values_list("kind", flat=True)) == ["thanks"]
    discussions.react(discussion=thread, event=first, user=user, kind="thanks")
    assert not Reaction.objects.exists()
    with pytest.raises(InvalidDiscussion):
        discussions.react(discussion=thread, event=first, user=user, kind="rocket")


def test_mentions_reach_only_those_who_may_read():
    organisation = OrganisationFactory()
    repository = RepositoryFactory(user=organisation.memberships.get().user, namespace=organisation.name, private=True)
    inside, outside = member(organisation, Role.READ), UserFactory()

    opened(repository, repository.creator, text=f"Dear @{inside.username}, dear @{outside.username}")

    assert [mention.user for mention in Mention.objects.all()] == [inside]
    assert Mention.objects.of(inside).count() == 1
    organisation.memberships.filter(user=inside).delete()
    assert not Mention.objects.of(inside).exists()


def test_a_thread_that_is_named_says_so_once():
    repository = RepositoryFactory()
    first, second = opened(repository), opened(repository, text="Like #1, `#1` and #99.")

    discussions.comment(discussion=second, user=second.author, text="Again #1.")

    [reference] = first.events.filter(kind=EventKind.REFERENCE)
    assert reference.data == {"number": 2, "title": "A question"}


@override_settings(SMALLHUB_OPENINGS_PER_HOUR=2)
def test_a_person_opens_so_many_threads_in_an_hour_and_no_more():
    user = UserFactory()
    for _ in range(2):
        opened(user=user)

    with pytest.raises(TooOften) as refused:
        opened(user=user)

    assert 3500 < int(refused.value.wire_headers["Retry-After"]) <= 3600
    assert Discussion.objects.count() == 2
    opened(user=UserFactory())
    limits.spend(user=user, action=limits.OPEN, at=timezone.now() + timedelta(hours=2))


@pytest.mark.django_db(transaction=True)
@override_settings(SMALLHUB_COMMENTS_PER_HOUR=20)
def test_the_limit_is_exact_under_many_requests_at_once():
    user = UserFactory()
    passed: list[int] = []
    faults: list[Exception] = []

    def work():
        try:
            for _ in range(10):
                try:
                    limits.spend(user=user, action=limits.COMMENT)
                    passed.append(1)
                except TooOften:
                    pass
        except Exception as error:  # noqa: BLE001 - told by the test below.
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert len(passed) == 20


def test_webhooks_hear_of_threads_and_comments():
    thread = opened()
    repository = thread.repository
    webhook = Webhook.objects.create(owner=repository.creator, url="https://example.org/hook", on_discussion=True)
    WebhookWatch.objects.create(webhook=webhook, kind="model", key=repository.key, name=repository.full_name)

    discussions.comment(discussion=thread, user=thread.author, text="Anybody?")
    discussions.set_status(discussion=thread, user=thread.author, status=DiscussionStatus.CLOSED)

    told = list(WebhookDelivery.objects.order_by("pk").values_list("scope", "action", "payload"))
    assert [(scope, action) for scope, action, _ in told] == [
        ("discussion.comment", "create"),
        ("discussion", "update"),
    ]
    assert told[0][2]["comment"]["content"] == "Anybody?"
    assert told[1][2]["discussion"]["status"] == "closed"
    assert told[1][2]["discussion"]["num"] == thread.number
