"""Pushing a folder: one commit, only what is new, streamed and verified."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
import smallhub

WEIGHTS = random.Random(4).randbytes(3_000_000)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# 模型\n", encoding="utf-8")
    (folder / "sub" / "weights.bin").write_bytes(WEIGHTS)
    (folder / "empty.txt").write_bytes(b"")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret")
    return folder


def test_what_is_pushed_is_what_is_pulled(hub, token, folder):
    report = smallhub.push(folder, "ada/tiny", message="First\n\nWith words.")

    pulled = smallhub.pull("ada/tiny")
    assert report.is_new
    assert report.commit == pulled.name
    assert sorted(report.changed) == ["README.md", "empty.txt", "sub/weights.bin"]
    assert {path.name for path in pulled.rglob("*") if path.is_file()} == {"README.md", "empty.txt", "weights.bin"}
    assert (pulled / "sub" / "weights.bin").read_bytes() == WEIGHTS
    assert (pulled / "README.md").read_bytes() == (folder / "README.md").read_bytes()
    assert hub.commits[0][0]["value"] == {"summary": "First", "description": "With words."}


def test_unchanged_files_are_not_sent_again(hub, token, folder):
    smallhub.push(folder, "ada/tiny")
    (folder / "README.md").write_text("# New\n")

    report = smallhub.push(folder, "ada/tiny")

    assert report.changed == ("README.md",)
    assert report.unchanged == 2
    assert report.uploaded_bytes == 0
    assert [line["key"] for line in hub.commits[1]] == ["header", "file"]


def test_pushing_the_same_twice_makes_one_commit(hub, token, folder):
    first = smallhub.push(folder, "ada/tiny")
    second = smallhub.push(folder, "ada/tiny")

    assert len(hub.commits) == 1
    assert not second.is_new
    assert second.commit == first.commit


def test_content_that_the_hub_has_already_is_named_but_not_sent(hub, token, folder):
    smallhub.push(folder, "ada/tiny")
    report = smallhub.push(folder, "ada/other")

    assert report.uploaded_bytes == 0
    assert (smallhub.pull("ada/other") / "sub" / "weights.bin").read_bytes() == WEIGHTS


def test_the_upload_address_does_not_get_the_token_and_failures_are_tried_again(hub, token, folder, monkeypatch):
    monkeypatch.setattr("smallhub._http.time", SimpleNamespace(sleep=lambda seconds: None))
    hub.status["PUT"] = [503, 500]

    smallhub.push(folder, "ada/tiny")

    puts = [authorization for method, _, authorization in hub.seen if method == "PUT"]
    assert puts == [None, None, None]


def test_a_new_repository_is_private_when_asked(hub, token, folder):
    smallhub.push(folder, "ada/tiny", private=True)

    assert hub.repositories["ada/tiny"].is_private


def test_without_create_a_missing_repository_is_an_error(hub, token, folder):
    with pytest.raises(smallhub.RepositoryNotFound):
        smallhub.push(folder, "ada/none", create=False)


def test_without_a_token_pushing_is_denied(hub, folder):
    with pytest.raises(smallhub.AccessDenied):
        smallhub.push(folder, "ada/tiny")


def test_a_bad_card_is_refused_before_anything_is_sent(hub, token, folder):
    (folder / "README.md").write_text("---\nbroken: [\n---\n")

    with pytest.raises(smallhub.Invalid, match="bad YAML"):
        smallhub.push(folder, "ada/tiny")

    assert hub.large == {}


def test_ignored_files_stay_at_home(hub, token, folder):
    (folder / ".gitignore").write_text("notes.txt\n")
    (folder / "notes.txt").write_text("private")

    report = smallhub.push(folder, "ada/tiny")

    assert "notes.txt" not in report.changed


def test_a_name_that_others_could_not_pull_is_refused(hub, token, folder):
    (folder / "aux.txt").write_text("x")

    with pytest.raises(smallhub.UnsafePath, match="The folder holds"):
        smallhub.push(folder, "ada/tiny")


def test_an_empty_folder_is_refused(hub, token, tmp_path):
    (tmp_path / "nothing").mkdir()

    with pytest.raises(smallhub.Invalid):
        smallhub.push(tmp_path / "nothing", "ada/tiny")


def test_a_branch_can_be_named(hub, token, folder):
    smallhub.push(folder, "ada/tiny@draft")

    assert "draft" in hub.repositories["ada/tiny"].revisions
