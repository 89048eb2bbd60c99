"""Commits, and what each of them changed."""

import re

import pytest

from hub.pages import history
from models_registry.services.commits import commit
from models_registry.types import AddFile, DeleteFile
from tests.factories.pages import model
from tests.factories.registry import put

pytestmark = pytest.mark.django_db


def titles(html: str) -> list[str]:
    return re.findall(r"<b>(Change \d+|First version|initial commit)</b>", html)


def test_the_history_goes_back_to_the_first_commit(client):
    repository = model()
    put(repository, {"a.txt": "1"}, title="Change 1")

    html = client.get(f"/{repository.full_name}/commits/main").content.decode()

    assert titles(html) == ["Change 1", "First version", "initial commit"]


def test_older_commits_follow_page_by_page(client, monkeypatch):
    monkeypatch.setattr(history, "PER_PAGE", 3)
    repository = model()
    for number in range(5):
        put(repository, {"a.txt": str(number)}, title=f"Change {number}")

    seen, address = [], f"/{repository.full_name}/commits/main"
    while address:
        html = client.get(address).content.decode()
        seen += titles(html)
        following = re.search(r'href="(\?cursor=[^"]*)"', html)
        address = f"/{repository.full_name}/commits/main{following[1]}" if following else ""

    assert seen == ["Change 4", "Change 3", "Change 2", "Change 1", "Change 0", "First version", "initial commit"]


def test_a_commit_lists_what_it_added_changed_and_removed(client):
    repository = model()
    put(repository, {"old.txt": "1", "same.txt": "1"})
    made = commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Tidy up",
        body="Two words on why.",
        operations=[DeleteFile("old.txt"), AddFile("new.txt", b"2"), AddFile("config.json", b'{"a": 1}')],
    )

    html = client.get(f"/{repository.full_name}/commit/{made.oid}").content.decode()

    assert "Two words on why." in html
    assert "1 added" in html
    assert "1 changed" in html
    assert "<del>old.txt</del>" in html
    assert "same.txt" not in html


def test_a_title_with_markup_is_escaped(client):
    repository = model()
    put(repository, {"a.txt": "1"}, title="<script>alert(1)</script>")

    html = client.get(f"/{repository.full_name}/commits/main").content.decode()

    assert "<script>alert" not in html
