"""Pull requests are measured before they are merged: by whose leave, how often, and what the page says then."""

import json

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from evaluation.exceptions import MergeBlocked
from evaluation.models import Comparison, Evaluation, Run
from evaluation.services import gates, proposals
from models_registry.exceptions import RepositoryForbidden
from models_registry.models import Discussion, Repository
from models_registry.services.commits import commit
from models_registry.services.pull_requests import merge_pull_request, open_pull_request
from models_registry.services.refs import create_branch
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory
from tests.factories.versions import BAD, GOOD, answered_all, settled, version

pytestmark = pytest.mark.django_db


def proposed(repository: Repository, user: User, name: str = "config.json") -> Discussion:
    operations = [AddFile(name, json.dumps({"proposed": repository.commits.count()}).encode())]
    return open_pull_request(repository=repository, user=user, title="Try", operations=operations).discussion


def head_of(discussion: Discussion) -> Evaluation | None:
    oid = discussion.repository.refs.get(name=discussion.ref).commit
    return Evaluation.objects.filter(commit__repository=discussion.repository, commit__oid=oid).first()


def text(discussion: Discussion, user: User | None = None) -> str:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.get(f"/{discussion.repository.full_name}/discussions/{discussion.number}").content.decode()


@pytest.fixture
def repository() -> Repository:
    return version(marks=GOOD).repository


def test_a_pull_request_is_measured_and_compared_with_its_branch(repository: Repository):
    stranger = UserFactory()
    discussion = proposed(repository, stranger)
    head = head_of(discussion)
    assert head is not None
    answered_all(head, BAD)

    (comparison,) = settled(head)

    assert comparison.base.commit.oid == repository.refs.get(name="refs/heads/main").commit
    assert comparison.summary == "worse"
    page = text(discussion)
    assert "Measured before the merge" in page
    assert "0 to right, 30 to wrong" in page
    assert "got worse: 90.0 %, now 60.0 %" in page


def test_a_head_that_is_not_measured_says_so_and_a_writer_asks(repository: Repository, settings: LazySettings):
    settings.SMALLHUB_PROPOSALS_MEASURED_PER_DAY = 1
    stranger = UserFactory()
    assert head_of(proposed(repository, stranger)) is not None
    second = proposed(repository, stranger)
    assert head_of(second) is None
    assert "not measured" in text(second)
    assert "Measure this pull request" not in text(second, stranger)
    assert "Measure this pull request" in text(second, repository.creator)

    with pytest.raises(RepositoryForbidden):
        proposals.measure(discussion=second, user=stranger)
    client = Client()
    client.force_login(repository.creator)
    answer = client.post(f"/{repository.full_name}/discussions/{second.number}/measure")
    assert answer.status_code == 302
    assert head_of(second) is not None


def test_writers_have_all_of_theirs_measured(repository: Repository, settings: LazySettings):
    settings.SMALLHUB_PROPOSALS_MEASURED_PER_DAY = 1
    assert all(head_of(proposed(repository, repository.creator)) for _ in range(3))


def test_a_newer_head_takes_the_place_of_one_that_nobody_began(repository: Repository):
    user = repository.creator
    discussion = proposed(repository, user)
    older = head_of(discussion)
    commit(
        repository=repository,
        user=user,
        branch=discussion.ref,
        title="Again",
        operations=[AddFile("config.json", b'{"again": 1}')],
    )

    assert older is not None
    older.refresh_from_db()
    assert older.status == "done"
    assert set(Run.objects.filter(evaluation=older).values_list("state", flat=True)) == {"not_applicable"}
    assert head_of(discussion).status == "queued"


def test_a_pull_request_from_a_branch_is_measured_too(repository: Repository):
    user = repository.creator
    create_branch(repository=repository, user=user, name="side")
    commit(
        repository=repository, user=user, branch="side", title="Side", operations=[AddFile("config.json", b'{"a": 9}')]
    )
    discussion = open_pull_request(repository=repository, user=user, title="From a branch", branch="side").discussion
    assert head_of(discussion) is not None


def test_a_closed_pull_request_and_a_data_set_are_not_measured():
    data = RepositoryFactory(dataset=True)
    proposed(data, data.creator)
    assert not Evaluation.objects.exists()
    assert proposals.number_of("refs/heads/main") is None
    assert proposals.number_of("refs/pr/x") is None
    assert proposals.number_of("refs/pr/12") == 12


def test_a_merge_waits_where_the_policy_says_so_and_goes_on_when_it_is_no_worse(repository: Repository):
    user = repository.creator
    gates.set_policy(repository=repository, user=user, mode="warn", blocks_merge=True)
    worse, fine = proposed(repository, user), proposed(repository, user, "other.json")
    answered_all(head_of(worse), BAD)
    answered_all(head_of(fine), GOOD)
    for row in Comparison.objects.owed():
        settled(row.evaluation)

    with pytest.raises(MergeBlocked, match="got worse"):
        merge_pull_request(discussion=worse, user=user)
    assert "Why it is merged all the same" in text(worse, user)
    assert "Why it is merged all the same" not in text(fine, user)
    merge_pull_request(discussion=fine, user=user)
    client = Client()
    client.force_login(user)
    client.post(f"/{repository.full_name}/discussions/{worse.number}/merge", {"text": "The set is wrong there."})
    worse.refresh_from_db()
    assert worse.status == "merged"
    assert "The set is wrong there." in text(worse)


def test_what_a_stranger_proposes_changes_nothing_that_the_model_shows(repository: Repository):
    before = Client().get(f"/{repository.full_name}").content.decode()
    discussion = proposed(repository, UserFactory())
    answered_all(head_of(discussion), BAD)
    settled(head_of(discussion))

    assert "verdict--worse" not in Client().get(f"/{repository.full_name}").content.decode()
    assert "90.0" in before
