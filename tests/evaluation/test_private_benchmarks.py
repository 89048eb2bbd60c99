"""A benchmark whose data are private does not exist for who may not read them, whatever the door."""

import json
import re

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from evaluation.badges import badge_of
from evaluation.exceptions import MergeBlocked
from evaluation.models import Benchmark, Evaluation, Receipt, Step
from evaluation.services import exchange, gates
from models_registry.models import Commit, Release, Repository, Visibility, WebhookDelivery
from models_registry.models.releases import ReleaseEvent
from models_registry.services.pull_requests import merge_pull_request, open_pull_request
from models_registry.services.repositories import set_visibility
from models_registry.services.webhooks import Watch, create_webhook
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory, token
from tests.factories.evaluation import benchmark
from tests.factories.registry import RepositoryFactory
from tests.factories.versions import BAD, GOOD, answered_all, pairs_set, released, settled, version

pytestmark = pytest.mark.django_db

SECRET = "hush"
TITLE = "Hushed intake notes"


class World:
    """A public model whose second release is worse on a private benchmark of its owner, and on nothing else."""

    def __init__(self) -> None:
        cache.clear()
        self.owner: User = UserFactory(username="ward-seven")
        data = RepositoryFactory(user=self.owner, dataset=True, name="intake", visibility=Visibility.PRIVATE)
        self.secret = benchmark(SECRET, repository=data, title=TITLE)
        Benchmark.objects.filter(pk=self.secret.pk).update(is_restricted=True)
        pairs_set()
        self.model = RepositoryFactory(user=self.owner, name="triage")
        self.first = version(self.model, GOOD, SECRET)
        released(self.first, "v1.0.0")
        self.second: Evaluation | None = None

    def worse(self, mode: str = "warn") -> Evaluation:
        gates.set_policy(repository=self.model, user=self.owner, mode=mode, blocks_merge=False)
        self.second = version(self.model, BAD, SECRET)
        released(self.second, "v1.1.0")
        settled(self.second)
        return self.second

    def release(self) -> Release:
        return Release.objects.get(repository=self.model, name="v1.1.0")


@pytest.fixture
def world() -> World:
    return World()


def seen_by(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def hand_over(model: Repository, user: User) -> None:
    """Give a model to somebody with all that was measured of it, as a transfer does."""
    moved = {"namespace": user.namespace, "key": f"{user.username}/{model.name}"}
    Repository.objects.filter(pk=model.pk).update(**moved)
    model.refresh_from_db()


def everything_said(world: World, user: User | None) -> str:
    """What every page and address of the model says, the addresses themselves left out."""
    at, api = f"/{world.model.full_name}", f"/api/v1/models/{world.model.full_name}"
    second = world.second.commit.oid
    pages = [at, f"{at}/evaluations", f"{at}/evaluations/{second}", f"{at}/commits", f"{at}/releases", f"{at}/versions"]
    pages += [f"{at}/releases/v1.1.0", f"{at}/compare/v1.0.0..v1.1.0", f"{at}/badge.svg", f"{at}/badge.json", "/"]
    pages += [f"/models?sort=best&benchmark={SECRET}", "/leaderboards", "/benchmarks"]
    pages += [f"{api}/{name}" for name in (f"evaluations/{second}", "comparisons/v1.0.0..v1.1.0", f"statuses/{second}")]
    pages += [f"{api}/{name}" for name in (f"model-index/{second}", f"eval-results/{second}", "gate")]
    pages.append(f"/api/v1/repositories/models/{world.model.full_name}/releases")
    client, said = seen_by(user), []
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
        said.append(answer.content.decode().replace(f"benchmark={SECRET}", "").replace(f"benchmark%3D{SECRET}", ""))
    return "\n".join(said)


@pytest.mark.parametrize("mode", ["warn", "block"])
def test_no_page_and_no_answer_names_it_to_a_stranger(world, mode):
    world.worse(mode)

    for user in (None, UserFactory()):
        said = everything_said(world, user)
        assert SECRET not in said
        assert TITLE not in said
    assert TITLE in everything_said(world, world.owner)


def test_a_verdict_is_of_what_its_reader_may_see(world):
    world.worse()
    address = f"/api/v1/models/{world.model.full_name}/comparisons/v1.0.0..v1.1.0"
    states = f"/api/v1/models/{world.model.full_name}/statuses/v1.1.0"

    def verdict(user):
        client = seen_by(user)
        state = {row["check"]: row["state"] for row in client.get(states).json()["statuses"]}
        return client.get(address).json()["verdict"], state["smallhub/verdict"]

    assert verdict(world.owner) == ("worse", "failed")
    assert verdict(None) == ("inconclusive", "passed")


def test_a_comparison_asked_for_by_hand_is_no_way_around(world):
    Release.objects.all().delete()
    second, third = (version(world.model, marks, SECRET) for marks in (GOOD, BAD))
    span = f"{world.first.commit.oid}..{third.commit.oid}"
    stranger = UserFactory()
    client = Client(headers={"Authorization": f"Bearer {token(stranger, scope='write')}"})
    address = f"/api/v1/models/{world.model.full_name}/comparisons/{span}"

    assert client.post(address).status_code == 202
    settled(third)
    answer = client.get(address).json()

    assert second.pk
    assert (answer["verdict"], [row["benchmark"] for row in answer["benchmarks"]]) == ("inconclusive", ["pairs"])


def test_a_badge_stands_on_other_pages_and_says_what_anybody_may_know(world):
    world.worse()

    badge = badge_of(world.model)
    asked = badge_of(world.model, benchmark=SECRET)

    assert badge.details["score"]["benchmark"] == "pairs"
    assert badge.details["verdict"] == "inconclusive"
    assert asked.details["score"] is None
    assert TITLE not in asked.message


def test_a_webhook_hears_of_what_its_owner_may_know(world):
    stranger = UserFactory()
    for user in (world.owner, stranger):
        watched = [Watch("model", world.model.full_name)]
        create_webhook(user=user, url="https://example.org/hear", watched=watched, domains=["repo"], secret="")
    world.worse("block")

    heard = {row.webhook.owner_id: row.payload for row in WebhookDelivery.objects.filter(payload__has_key="comparison")}
    every = [json.dumps(row.payload) for row in WebhookDelivery.objects.filter(webhook__owner=stranger)]

    assert heard[world.owner.pk]["comparison"]["verdict"] == "worse"
    assert heard[world.owner.pk]["comparison"]["benchmarks"] == {SECRET: "regressed", "pairs": "inconclusive"}
    assert heard[stranger.pk]["comparison"]["benchmarks"] == {"pairs": "inconclusive"}
    assert not [text for text in every if SECRET in text or TITLE in text]


def test_a_gate_that_holds_says_that_there_is_something_and_not_what(world):
    world.worse("block")

    assert world.release().gate == "failed"
    assert world.release().gate_reason == "It did not pass a private check of its owners."


def test_a_gate_that_only_warns_has_nothing_to_explain(world):
    world.worse("warn")

    assert (world.release().gate, world.release().gate_reason) == ("passed", "")


def test_a_merge_is_refused_in_words_for_who_merges(world):
    gates.set_policy(repository=world.model, user=world.owner, mode="warn", blocks_merge=True)
    opened = open_pull_request(
        repository=world.model, user=world.owner, title="Worse", operations=[AddFile("config.json", b'{"a": 1}')]
    )
    commit = Commit.objects.get(repository=world.model, oid=opened.commit.oid)
    measured = Evaluation.objects.get(commit=commit)
    answered_all(measured, BAD, SECRET)
    settled(measured)

    found = gates.pull_request_complaints(gates.policy_of(world.model), opened.discussion, commit)
    assert gates.sentences(found, UserFactory()) == ["It did not pass a private check of its owners."]
    with pytest.raises(MergeBlocked, match=TITLE):
        merge_pull_request(discussion=opened.discussion, user=world.owner)


def test_the_policy_of_a_gate_names_it_to_its_owner_alone(world):
    gates.set_policy(
        repository=world.model, user=world.owner, mode="warn", blocks_merge=False, required=[SECRET, "pairs"]
    )
    address = f"/api/v1/models/{world.model.full_name}/gate"

    assert seen_by(None).get(address).json()["must_be_told"] == ["pairs"]
    assert seen_by(world.owner).get(address).json()["must_be_told"] == [SECRET, "pairs"]


def test_an_administrator_who_may_not_know_of_it_leaves_the_policy_of_it_alone(world):
    admin = UserFactory()
    gates.set_policy(
        repository=world.model,
        user=world.owner,
        mode="warn",
        blocks_merge=False,
        required=[SECRET],
        margins={SECRET: 3.0},
    )
    hand_over(world.model, admin)

    policy = gates.set_policy(repository=world.model, user=admin, mode="block", blocks_merge=False, required=["pairs"])

    assert (policy.required, policy.margins) == ([SECRET, "pairs"], {SECRET: 3.0})
    assert gates.policy_seen_by(admin, world.model).required == ["pairs"]


def test_results_that_are_written_into_a_card_leave_it_out(world):
    evaluation = Evaluation.objects.with_runs(world.owner).get(pk=world.first.pk)

    opened = exchange.propose(evaluation=evaluation, user=world.owner)

    client = seen_by(world.owner)
    card = client.get(f"/{world.model.full_name}/resolve/{opened.commit.oid}/README.md").content.decode()
    assert "pairs" in card
    assert SECRET not in card


def test_the_front_page_counts_what_everybody_may_see(world):
    hidden = RepositoryFactory(visibility=Visibility.PRIVATE)
    version(hidden)
    secret = Receipt.objects.filter(of_run__benchmark=world.secret)
    public = Receipt.objects.filter(of_run__evaluation__repository=world.model)

    assert secret.exists()
    assert Receipt.objects.public().count() == public.count() - secret.count()
    assert Evaluation.objects.of_public_models().count() == 1
    page = re.sub(r"\s+", " ", seen_by(None).get("/").content.decode())
    assert page


def test_a_receipt_and_its_items_are_not_there(world):
    receipt = Receipt.objects.get(of_run__benchmark=world.secret)
    at = f"/{world.model.full_name}/evaluations/{world.first.commit.oid}/receipts/{receipt.sha256}"

    for address in (at, f"{at}/items", f"{at}?format=json", f"/api/v1/receipts/{receipt.sha256}"):
        assert seen_by(UserFactory()).get(address).status_code == 404, address
        assert seen_by(world.owner).get(address).status_code == 200, address


def test_a_step_of_it_cannot_be_named_by_a_writer_who_may_not_know_of_it(world):
    writer = UserFactory()
    hand_over(world.model, writer)
    client = Client(headers={"Authorization": f"Bearer {token(writer, scope='write')}"})
    address = f"/api/v1/models/{world.model.full_name}/evaluations/{world.first.commit.oid}/rerun"

    def asked(key):
        answer = client.post(address, {"step": Step.BENCHMARK, "benchmark": key}, content_type="application/json")
        return answer.status_code, answer.json().get("code")

    assert asked(SECRET) == (404, "no_such_run")
    assert asked("pairs") == (202, None)


def test_data_made_private_take_their_name_out_of_what_was_written(world):
    data = world.secret.repository
    set_visibility(repository=data, user=world.owner, visibility=Visibility.PUBLIC)
    world.worse("block")
    assert TITLE in world.release().gate_reason
    assert ReleaseEvent.objects.filter(text__contains=TITLE).exists()

    set_visibility(repository=data, user=world.owner, visibility=Visibility.PRIVATE)

    assert world.release().gate == "failed"
    assert TITLE not in world.release().gate_reason
    assert not ReleaseEvent.objects.filter(text__contains=TITLE).exists()
    assert TITLE not in everything_said(world, None)
