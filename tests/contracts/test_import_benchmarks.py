"""A second hub of our own fetches the standard sets from the first, checks every byte, and goes on where it stopped."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from models_registry.models import Kind, Repository
from tests.contracts.test_import import Second, empty_database, second
from tests.factories.accounts import token
from tests.factories.registry import put
from tests.requirements import SHARED, require

__all__ = ["empty_database", "second"]  # Fixtures.
pytestmark = pytest.mark.django_db(transaction=True)


def benchmarks_of(second: Second) -> dict[str, str]:
    """The second hub's active benchmarks, and who may read their data."""
    sql = (
        "select one.key, visibility from evaluation_benchmark as one join models_registry_repository as two "
        "on one.repository_id = two.id where is_active and not is_restricted"
    )
    with contextlib.closing(sqlite3.connect(second.data / "hub.sqlite3")) as connection:
        return dict(connection.execute(sql))


def test_the_standard_sets_come_from_another_hub(hub, second: Second) -> None:
    require("benchmark data")
    call_command("import_benchmarks", str(SHARED / "benchmarks"), "--only", "copa", "librivox5", "trec", verbosity=0)

    done = second.manage("import_benchmarks", "--from", hub.url, "--only", "copa", "librivox5", "trec", check=False)

    # trec is private there, and without a token it is not given.
    assert done.returncode != 0
    assert "Not imported: trec. Run it again to go on." in done.stderr
    assert benchmarks_of(second) == {"copa": "public", "librivox5": "public"}
    again = second.manage(
        "import_benchmarks",
        "--from",
        hub.url,
        "--token",
        token(User.objects.get(username="smallhub")),
        "--only",
        "copa",
        "trec",
    )
    assert "copa: here already" in again.stdout
    assert "trec (class C, private)" in again.stdout  # As it is where it comes from: without a stated licence.
    assert benchmarks_of(second)["trec-probe"] == "private"
    second.start()
    clip = "datasets/smallhub/librivox5/resolve/main/wav/sense_and_sensibility_01_austen_64kb-0880.wav"
    assert httpx.get(f"{second.url}/{clip}").content == httpx.get(f"{hub.url}/{clip}").content
    assert not list((second.data / "imports").rglob("*.jsonl"))


def test_a_broken_fetch_goes_on_and_what_another_hub_changed_is_refused(hub, second: Second) -> None:
    require("benchmark data")
    call_command("import_benchmarks", str(SHARED / "benchmarks"), "--only", "copa", "piqa", verbosity=0)
    source = (SHARED / "benchmarks" / "copa" / "copa.jsonl").read_bytes()
    place = second.data / "imports" / hashlib.sha256(f"{hub.url}/smallhub".encode()).hexdigest()[:16] / "copa"
    place.mkdir(parents=True)
    (place / "copa.jsonl.part").write_bytes(source[:5000])  # As a broken run leaves it.
    piqa = Repository.objects.named(Kind.DATASET, "smallhub", "piqa").get()
    put(piqa, {"piqa.jsonl": b'{"query": "changed", "choices": ["a", "b"], "gold": 0}\n'})

    refused = second.manage("import_benchmarks", "--from", hub.url, "--only", "copa", "piqa", check=False)

    assert "piqa.jsonl: the other hub has another file under this name." in refused.stderr
    assert benchmarks_of(second) == {"copa": "public"}


@pytest.mark.parametrize("words", [(), ("folder", "--from", "http://127.0.0.1:1")])
def test_one_place_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Name a folder, or another hub"):
        call_command("import_benchmarks", *words)


def test_a_hub_that_does_not_answer_is_told_set_by_set(capsys) -> None:
    with pytest.raises(CommandError, match="Not imported: copa"):
        call_command("import_benchmarks", "--from", "http://127.0.0.1:1", "--only", "copa")
    assert "cannot be had now" in capsys.readouterr().err
