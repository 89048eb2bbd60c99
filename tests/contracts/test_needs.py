"""The client pulls by need from this hub: the front-runner, pinned until it is asked to choose anew."""

import json
from pathlib import Path

import pytest
import smallhub
from smallhub import cli

from evaluation.models import Benchmark
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import put

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
NEED = {"task": "grammar", "language": "en", "max_mb": 30, "max_ms": 15, "licence": "permissive"}
OPTIONS = ["--task", "grammar", "--language", "en", "--max-mb", "30", "--max-ms", "15", "--licence", "permissive"]


@pytest.fixture(autouse=True)
def _client(monkeypatch, tmp_path, live_server):
    for name in ("SMALLHUB_TOKEN", "SMALLHUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMALLHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SMALLHUB_ENDPOINT", live_server.url)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pairs() -> Benchmark:
    return benchmark(language=["en"])


def stand(pairs: Benchmark, value: float, name: str, **cost):
    made = model(name=name)
    put(made, {"who.txt": name})
    made.refresh_from_db()
    measured(made, {pairs: value}, **({"bytes": 20_000_000, "first_token_s": 0.01} | cost))
    return made


def who(folder: Path) -> str:
    return (folder / "who.txt").read_text()


def test_the_front_runner_is_pulled_and_stays_until_it_is_chosen_anew(pairs, tmp_path):
    first = stand(pairs, 0.8, "first")
    stand(pairs, 0.95, "too-large", bytes=90_000_000)

    assert who(smallhub.pull(**NEED)) == "first"

    (name, row), *others = json.loads((tmp_path / "smallhub.lock").read_text())["models"].items()
    assert not others
    assert name == "need:task=grammar&language=en&max_mb=30&max_ms=15&licence=permissive"
    assert (row["repository"], row["commit"]) == (first.full_name, first.head)
    better = stand(pairs, 0.9, "better")
    assert who(smallhub.pull(**NEED)) == "first", "pinned"
    (state,) = smallhub.outdated()
    assert (state.is_outdated, state.locked_repository, state.current_repository) == (
        True,
        first.full_name,
        better.full_name,
    )
    assert who(smallhub.pull(**NEED, update=True)) == "better"
    assert who(smallhub.pull(**NEED)) == "better"


def test_an_update_of_the_lock_file_chooses_anew(pairs):
    stand(pairs, 0.8, "first")
    smallhub.pull(**NEED)
    better = stand(pairs, 0.9, "better")

    (state,) = smallhub.update()

    assert state.current == better.head
    assert smallhub.outdated()[0].is_outdated is False
    assert who(smallhub.pull(**NEED)) == "better"


def test_on_the_command_line(pairs, capsys, tmp_path):
    stand(pairs, 0.8, "first")

    assert cli.main(["find", *OPTIONS]) == 0
    assert "Best of those that fit: accuracy 80.0 % (78.0–82.0) on Grammar pairs, English." in capsys.readouterr().out
    assert cli.main(["pull", *OPTIONS, "--quiet"]) == 0
    assert who(Path(capsys.readouterr().out.strip())) == "first"
    stand(pairs, 0.9, "better")
    assert cli.main(["outdated"]) == 0
    assert "better" in capsys.readouterr().out
    assert cli.main(["pull", *OPTIONS, "--update", "--dir", str(tmp_path / "here")]) == 0
    assert who(tmp_path / "here") == "better"


def test_when_nothing_fits_the_reason_is_told_and_nothing_is_locked(pairs, capsys, tmp_path):
    stand(pairs, 0.8, "first", bytes=31_200_000)

    with pytest.raises(smallhub.NotFound, match=r"max_mb excludes most: 1 of 1 model\. .* 1\.2 MB over") as caught:
        smallhub.pull(**NEED)

    assert caught.value.code == "nothing_fits"
    assert not (tmp_path / "smallhub.lock").exists()
    assert cli.main(["find", *OPTIONS]) == 3
    assert "max_mb excludes most" in capsys.readouterr().out
    assert cli.main(["pull", *OPTIONS]) == 3


def test_a_need_that_nothing_meets_any_more_is_reported_and_left_alone(pairs):
    first = stand(pairs, 0.8, "first")
    smallhub.pull(**NEED)
    measured(first, {pairs: 0.8}, bytes=90_000_000)

    (state,) = smallhub.outdated()

    assert (state.is_outdated, state.current) == (True, "")
    assert smallhub.update() == ()
    assert who(smallhub.pull(**NEED)) == "first", "the pin still brings those bytes"


def test_a_question_without_sense_is_refused_before_it_is_asked():
    for given in (
        {},
        {"name": "a/b", "task": "ner"},
        {"max_mb": 3},
        {"task": "ner", "beauty": 1},
        {"task": "ner", "revision": "v1"},
        {"name": "a/b", "update": True},
    ):
        with pytest.raises(smallhub.Invalid):
            smallhub.pull(**given)
    for words in (["find", "--max-mb", "3"], ["pull"], ["pull", "a/b", "--task", "ner"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(words)
        assert stopped.value.code == 2
