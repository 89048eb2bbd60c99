import subprocess
from pathlib import Path

import pytest

from models_registry.diffing import changes
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository, ScanVerdict
from models_registry.services import diffs
from models_registry.services.commits import commit
from models_registry.services.diffs import file_diffs, patch
from models_registry.services.heads import note_scan
from models_registry.types import AddFile, AddLarge, CopyFile, DeleteFile
from tests.factories.accounts import UserFactory
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[Repository, Commit, Commit]:
    repository = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    large = [put_plain(repository, noise(100_000, seed)) for seed in (1, 2)]
    first = commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="First",
        operations=[
            AddFile("config.json", b'{\n  "a": 1,\n  "b": 2\n}\n'),
            AddFile("gone.txt", b"gone"),
            AddFile("docs/old name.md", b"# Kept\nas it is\n"),
            AddFile("oddé.txt", b"x\n"),
            AddFile("data.bin", b"\0\1\2"),
            AddLarge("large.bin", large[0].sha256),
        ],
    )
    second = commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Second",
        operations=[
            AddFile("config.json", b'{\n  "a": 1,\n  "b": 3,\n  "c": "<b>"\n}'),
            DeleteFile("gone.txt"),
            CopyFile("new name.md", "docs/old name.md"),
            DeleteFile("docs/old name.md"),
            AddFile("oddé.txt", b"y\n"),
            AddFile("data.bin", b"\0\1\3"),
            AddLarge("large.bin", large[1].sha256),
            AddFile("fresh.txt", b"a\nb"),
        ],
    )
    return repository, first, second


def found_of(pair: tuple[Repository, Commit, Commit], **more: object):
    repository, first, second = pair
    found = changes(listing_of(first), listing_of(second))
    return {
        each.change.path: each
        for each in file_diffs(repository, first, second, found, **({"may_download": True} | more))
    }  # type: ignore[arg-type]


def test_each_file_is_shown_as_what_it_is(pair) -> None:
    found = found_of(pair)
    assert {path: each.kind for path, each in found.items()} == {
        "config.json": "text",
        "data.bin": "binary",
        "fresh.txt": "text",
        "gone.txt": "text",
        "large.bin": "large",
        "new name.md": "renamed",
        "oddé.txt": "text",
    }
    config = found["config.json"]
    assert (config.added, config.removed) == (3, 2)
    assert config.hunks[0].header == "@@ -1,4 +1,5 @@"


def test_contents_stay_closed_and_held_back(pair) -> None:
    assert {each.kind for each in found_of(pair, may_download=False).values()} == {"closed"}
    note_scan(commit=pair[2], verdict=ScanVerdict.WARNING, held={"config.json": "odd"})
    pair[2].refresh_from_db()
    found = found_of(pair)
    assert found["config.json"].kind == "held"
    assert not found["config.json"].hunks
    found = changes(listing_of(pair[1]), listing_of(pair[2]))
    assert b'"c"' not in b"".join(patch(pair[0], found, held={"config.json"}))


def test_a_page_holds_so_many_lines_and_no_more(pair, monkeypatch) -> None:
    monkeypatch.setattr(diffs, "SHOWN_LINES", 3)
    found = found_of(pair)
    assert sum(len(hunk.lines) for each in found.values() for hunk in each.hunks) == 3
    assert found["config.json"].left_out == 4
    assert found["fresh.txt"].kind == "long"


def test_texts_cost_one_query(pair, django_assert_num_queries) -> None:
    found_of(pair)
    with django_assert_num_queries(1):
        found_of(pair)


def test_git_makes_the_second_version_of_the_first_by_our_patch(pair, tmp_path: Path) -> None:
    """git's own `apply` is the oracle: the patched work tree has the tree id of the second commit."""
    repository, first, second = pair
    run = lambda *words, **more: subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, **more)  # noqa: E731
    run("init", "-q")
    from models_registry.models import GitObject

    for path, entry in listing_of(first).files.items():
        if path not in {"data.bin", ".gitattributes"}:  # Binary patches have another form; rules would call git-lfs.
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(bytes(GitObject.objects.get(repository=repository, oid=entry.oid).body))
    found = [change for change in changes(listing_of(first), listing_of(second)) if change.path != "data.bin"]

    run("apply", "-", input=b"".join(patch(repository, found, held=set())))

    for path, entry in listing_of(second).files.items():
        if path not in {"data.bin", ".gitattributes"}:
            oid = run("hash-object", "--no-filters", path).stdout.decode().strip()
            assert oid == entry.oid, path
    assert not (tmp_path / "gone.txt").exists()


def test_the_wire_compares(pair, client) -> None:
    _, first, second = pair
    at = f"/api/models/ada/tiny/compare/{first.oid[:10]}"
    answer = client.get(f"{at}..main").json()
    assert (answer["base"], answer["head"]) == (first.oid, second.oid)
    assert {each["path"]: each["status"] for each in answer["files"]}["new name.md"] == "renamed"
    raw = client.get(f"{at}...main?raw=true")
    text = b"".join(raw.streaming_content)
    assert raw["Content-Type"].startswith("text/plain")
    assert b'-  "b": 2\n-}\n+  "b": 3,\n' in text
    assert b"Binary files a/data.bin and b/data.bin differ" in text
    assert b"rename from docs/old name.md\nrename to new name.md" in text
    for span, status in (("main", 400), ("..main", 400), ("main..", 400), ("main..nowhere", 404), ("a..b..c", 404)):
        assert client.get(f"/api/models/ada/tiny/compare/{span}").status_code == status, span


def test_our_own_api_compares_down_to_tensors(pair, client) -> None:
    address = f"/api/v1/repositories/models/ada/tiny/compare/{pair[1].oid}...main"
    answer = client.get(address).json()
    assert {each["path"] for each in answer["files"]} >= {"config.json", "large.bin"}
    assert answer["weights"] == []
    assert client.post(address, {"path": "config.json"}, content_type="application/json").status_code == 401


def test_a_commit_compared_with_itself_changes_nothing(pair) -> None:
    assert changes(listing_of(pair[1]), listing_of(pair[1])) == []
    put(pair[0], {"x": "1"})
