"""Filling a hub: over its own wire, once, again, in two processes, and after a failure half way."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import smallhub
from pytest_django.live_server_helper import LiveServer

from accounts.models import AccessToken, Scope, User
from accounts.services import create_token, create_user
from evaluation.models import Benchmark, Evaluation
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository
from tests.training.corpus import SUITE
from training import services
from training.exceptions import BadRecipe, DataChanged, TrainedModelFailed
from training.recipes.data import Say, Source
from training.recipes.ngram import NgramRecipe
from training.services import PartReport, PartState
from training.starter.door import TOKEN_NAME, client_at
from training.starter.parts import Fetch, PackagedPart, Part, TrainedPart

pytestmark = pytest.mark.django_db(transaction=True)

NGRAM = TrainedPart("ngram-zh", NgramRecipe((Source("smallhub/core-text-zh"),), order=2))

Seed = Callable[..., list[PartReport] | None]


class Broken:
    """A part that fails when it is built."""

    name = "broken"

    def fingerprint(self, fetch: Fetch) -> str:
        return "0" * 64

    def build(self, folder: Path, fetch: Fetch, *, say: Say) -> None:
        (folder / "half").write_text("a file that must never be published")
        raise TrainedModelFailed(reason="it was made to fail")


class LosesItsToken:
    """The n-gram, whose token is revoked after the training: it cannot be published any more."""

    name = NGRAM.name

    def fingerprint(self, fetch: Fetch) -> str:
        return NGRAM.fingerprint(fetch)

    def build(self, folder: Path, fetch: Fetch, *, say: Say) -> None:
        NGRAM.build(folder, fetch, say=say)
        AccessToken.objects.all().delete()


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The smallest set of the core suite, alone."""
    shutil.copytree(SUITE / "core-text-zh", tmp_path / "suite" / "core-text-zh")
    return tmp_path / "suite"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of the person who runs the tests is left alone."""
    monkeypatch.setenv("SMALLHUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def seed(live_server: LiveServer, tmp_path: Path, suite: Path, lines: list[str]) -> Seed:
    """Fill the hub that listens in this process."""

    def run(*parts: Part) -> list[PartReport] | None:
        return services.seed_hub(
            endpoint=live_server.url, folder=tmp_path / "starter", say=lines.append, suite=suite, parts=parts
        )

    return run


def states(reports: list[PartReport] | None) -> list[PartState]:
    assert reports is not None
    return [report.state for report in reports]


def repository(name: str) -> Repository:
    return Repository.objects.get(key=f"smallhub/{name}", kind=Kind.MODEL)


def test_a_part_is_published_as_anybody_would_publish_it(seed: Seed, live_server: LiveServer) -> None:
    assert states(seed(NGRAM)) == [PartState.PUBLISHED]

    row = repository("ngram-zh")
    assert (row.licence, row.task, row.library) == ("apache-2.0", "text-generation", "smallhub")
    assert Benchmark.objects.active().filter(key="core-text-zh").exists()
    assert Evaluation.objects.filter(commit__oid=row.head).exists()
    answer = httpx.get(f"{live_server.url}/smallhub/ngram-zh/resolve/main/recipe.json", follow_redirects=True)
    content = answer.json()
    assert content["data"][0]["commit"] == Repository.objects.get(kind=Kind.DATASET, key="smallhub/core-text-zh").head


def test_the_second_time_nothing_is_done(seed: Seed) -> None:
    seed(NGRAM)
    head = repository("ngram-zh").head

    assert states(seed(NGRAM)) == [PartState.UNCHANGED]
    assert repository("ngram-zh").head == head


def test_another_recipe_becomes_one_more_commit(seed: Seed) -> None:
    seed(NGRAM)
    before = Commit.objects.filter(repository=repository("ngram-zh")).count()

    assert states(seed(TrainedPart("ngram-zh", NgramRecipe(NGRAM.recipe.sources, order=3)))) == [PartState.PUBLISHED]
    assert Commit.objects.filter(repository=repository("ngram-zh")).count() == before + 1


def test_one_failing_part_stops_no_other_and_publishes_nothing(seed: Seed, lines: list[str]) -> None:
    absent = PackagedPart("absent", "no-such-package", "1", "no_such_package_anywhere", {}, "")

    reports = seed(Broken(), absent, NGRAM)

    assert states(reports) == [PartState.FAILED, PartState.ABSENT, PartState.PUBLISHED]
    assert not Repository.objects.filter(key__in=["smallhub/broken", "smallhub/absent"]).exists()
    assert any("made to fail" in line for line in lines)
    assert any("no-such-package is not installed" in line for line in lines)


def test_no_token_outlives_the_seed_nor_one_that_was_killed(seed: Seed) -> None:
    user = create_user(username="smallhub")
    create_token(user=user, name=TOKEN_NAME, scope=Scope.WRITE)  # What a killed run leaves.
    other, _ = create_token(user=user, name="her own", scope=Scope.READ)

    seed(Broken())

    assert list(AccessToken.objects.filter(user=user)) == [other]


def test_a_model_that_was_trained_but_not_published_is_not_trained_again(
    seed: Seed, tmp_path: Path, lines: list[str]
) -> None:
    assert states(seed(LosesItsToken())) == [PartState.FAILED]
    assert len(list((tmp_path / "starter" / "models").iterdir())) == 1
    lines.clear()

    assert states(seed(NGRAM)) == [PartState.PUBLISHED]
    assert not any("kept back" in line for line in lines)  # What training says.
    assert not list((tmp_path / "starter" / "models").iterdir())


def test_what_a_killed_training_left_is_built_anew(seed: Seed, tmp_path: Path) -> None:
    assert states(seed(LosesItsToken())) == [PartState.FAILED]  # Now there is a whole folder; make it a half one.
    (whole,) = (tmp_path / "starter" / "models").iterdir()
    (whole / "recipe.json").unlink()
    (whole / "half").write_text("a file that must never be published")
    shutil.copytree(whole, whole.with_name(f"{whole.name}.unfinished"))

    assert states(seed(NGRAM)) == [PartState.PUBLISHED]
    head = Commit.objects.get(repository=repository("ngram-zh"), oid=repository("ngram-zh").head)
    assert "half" not in listing_of(head).files
    assert not list((tmp_path / "starter" / "models").iterdir())


def test_while_one_seed_works_another_leaves_at_once(seed: Seed, tmp_path: Path) -> None:
    (tmp_path / "starter").mkdir()
    with (tmp_path / "starter" / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert seed(NGRAM) is None
    assert not Repository.objects.exists()

    assert states(seed(NGRAM)) == [PartState.PUBLISHED]


def test_the_client_library_points_where_it_did_before(seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALLHUB_ENDPOINT", "http://elsewhere.example")
    monkeypatch.delenv("SMALLHUB_TOKEN", raising=False)

    seed(Broken())

    assert os.environ["SMALLHUB_ENDPOINT"] == "http://elsewhere.example"
    assert "SMALLHUB_TOKEN" not in os.environ


def test_a_hub_that_does_not_answer_is_a_failure_and_no_crash(tmp_path: Path, suite: Path) -> None:
    reports = services.seed_hub(
        endpoint="http://127.0.0.1:9", folder=tmp_path / "starter", say=str, suite=suite, parts=[Broken()]
    )

    assert states(reports) == [PartState.FAILED]


def test_a_published_model_is_rebuilt_to_the_same_bytes(seed: Seed, live_server: LiveServer, tmp_path: Path) -> None:
    seed(NGRAM)

    result = services.rebuild(name="smallhub/ngram-zh", endpoint=live_server.url, folder=tmp_path / "again", say=str)

    assert result.is_same
    assert (tmp_path / "again" / "model.safetensors").is_file()


def test_a_recipe_whose_data_are_others_is_not_trained(
    seed: Seed, live_server: LiveServer, tmp_path: Path, suite: Path
) -> None:
    seed(NGRAM)
    user = User.objects.get(username="smallhub")
    _, token = create_token(user=user, name="tampering", scope=Scope.WRITE)
    record = httpx.get(f"{live_server.url}/smallhub/ngram-zh/resolve/main/recipe.json", follow_redirects=True).json()
    record["data"][0]["sha256"] = "0" * 64
    (tmp_path / "tampered").mkdir()
    (tmp_path / "tampered" / "recipe.json").write_text(json.dumps(record))
    with client_at(live_server.url, SMALLHUB_TOKEN=token):
        smallhub.push(tmp_path / "tampered", "smallhub/ngram-zh", progress=False)

    with pytest.raises(DataChanged):
        services.rebuild(name="smallhub/ngram-zh", endpoint=live_server.url, folder=tmp_path / "again", say=str)
    assert not (tmp_path / "again").exists()


def test_a_model_without_a_recipe_cannot_be_rebuilt(seed: Seed, live_server: LiveServer, tmp_path: Path) -> None:
    seed()
    user = User.objects.get(username="smallhub")
    _, token = create_token(user=user, name="pushing", scope=Scope.WRITE)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "README.md").write_text("# Bare\n")
    with client_at(live_server.url, SMALLHUB_TOKEN=token):
        smallhub.push(tmp_path / "bare", "smallhub/bare", progress=False)

    with pytest.raises(BadRecipe, match="no readable recipe"):
        services.rebuild(name="smallhub/bare", endpoint=live_server.url, folder=tmp_path / "again", say=str)
