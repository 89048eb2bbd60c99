"""Discussions and pull requests in a real browser: talking, proposing, merging, with and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from models_registry.models import Discussion
from models_registry.services import discussions
from models_registry.services.commits import commit
from models_registry.services.pull_requests import open_pull_request
from models_registry.services.refs import create_branch
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory
from tests.factories.pages import model
from tests.factories.registry import put
from tests.hub.core.test_markdown import ATTACKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea7"
    "35818f0000000049454e44ae426082"
)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_discussion_is_opened_previewed_answered_and_closed(watch, scripts):
    repository, user = model(name="pico"), UserFactory(username="bo")
    watched = watch(java_script_enabled=scripts)
    watched.sign_in(user)
    page = watched.page
    watched.go(f"/{repository.full_name}/discussions")
    page.get_by_role("link", name="Start a discussion").first.click()

    page.get_by_label("Title").fill("Which data?")
    page.get_by_label("Text").fill(f"Dear **@{repository.namespace.name}**, which data was it?")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview strong")).to_have_text(f"@{repository.namespace.name}")
    expect(page.get_by_label("Title")).to_have_value("Which data?")
    page.get_by_role("button", name="Start the discussion").click()
    page.get_by_label("Answer").fill("Found it: see the card.")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator(".comment")).to_have_count(2)
    assert re.search(r"#[0-9a-f]{24}$", page.url)
    page.get_by_role("button", name="Close this discussion").click()

    # Closing asks for words as little as it needs them.
    expect(page.locator(".thread-event")).to_contain_text("closed this")
    assert Discussion.objects.get().status == "closed"
    assert watched.faults == []


def test_a_comment_is_edited_reacted_to_and_hidden_by_keys_alone(watch):
    repository, user = model(name="pico"), UserFactory(username="bo")
    discussions.open_discussion(repository=repository, user=user, title="Which data?", text="First words")
    watched = watch()
    watched.sign_in(user)
    page = watched.page
    watched.go(f"/{repository.full_name}/discussions/1")

    page.get_by_role("button", name="thanks").press("Enter")
    expect(page.get_by_role("button", name="thanks 1")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Edit", exact=True).press("Enter")
    page.get_by_label("Your comment in #1").fill("Better words")
    page.get_by_role("button", name="Save the comment").press("Enter")
    expect(page.locator(".comment")).to_contain_text("Better words")
    expect(page.locator(".comment")).to_contain_text("1 earlier version")
    page.locator("summary", has_text="Hide").press("Enter")
    page.get_by_role("button", name="Hide for good").press("Enter")

    expect(page.locator(".comment")).to_contain_text("bo has hidden this comment.")
    assert "words" not in page.locator(".comment").inner_text()
    assert watched.faults == []


def test_a_pull_request_is_read_marked_ready_and_merged(watch):
    repository = model(name="pico")
    owner = repository.creator
    put(repository, {"notes.txt": "one\ntwo\n"})
    change = [AddFile("notes.txt", b"one\n2\n")]
    made = open_pull_request(
        repository=repository, user=UserFactory(), title="Count", operations=change, is_draft=True
    ).discussion
    watched = watch()
    watched.sign_in(owner)
    page = watched.page
    watched.go(f"/{repository.full_name}/discussions/{made.number}")

    page.get_by_role("link", name="Files changed").click()
    expect(page.locator(".diff .add")).to_contain_text("2")
    expect(page.locator(".diff .del")).to_contain_text("two")
    page.get_by_role("link", name="Commits", exact=True).click()
    expect(page.locator(".commit-row")).to_have_count(1)
    page.get_by_role("link", name="Conversation").click()
    page.get_by_role("button", name="Mark as ready").click()
    page.get_by_role("button", name="Merge into main").click()

    expect(page.locator(".thread-head .badge")).to_contain_text("merged")
    expect(page.get_by_role("button", name="Merge into main")).to_have_count(0)
    assert Discussion.objects.get().merge_commit
    assert watched.faults == []


def test_a_branch_is_proposed_from_the_page(watch):
    repository = model(name="pico")
    owner = repository.creator
    create_branch(repository=repository, user=owner, name="trial", start=None)
    commit(repository=repository, user=owner, branch="trial", title="Try", operations=[AddFile("a.txt", b"a\n")])
    watched = watch()
    watched.sign_in(owner)
    page = watched.page
    watched.go(f"/{repository.full_name}/discussions/new?kind=pull_request")

    page.get_by_label("Title").fill("From the trial")
    page.get_by_role("button", name="Open the pull request").click()

    expect(page.locator(".thread-event")).to_contain_text("Try")
    expect(page.get_by_role("button", name="Merge into main")).to_be_visible()
    assert watched.faults == []


def test_a_conflict_is_told_by_path_and_cannot_be_merged(watch):
    repository = model(name="pico")
    put(repository, {"notes.txt": "one\n"})
    change = [AddFile("notes.txt", b"1\n")]
    open_pull_request(repository=repository, user=UserFactory(), title="Count", operations=change)
    put(repository, {"notes.txt": "uno\n"})
    watched = watch()
    watched.sign_in(repository.creator)
    watched.go(f"/{repository.full_name}/discussions/1")

    expect(watched.page.locator(".conflicts")).to_have_text("notes.txt")
    expect(watched.page.get_by_role("button", name="Merge into main")).to_have_count(0)


def test_a_picture_is_attached_and_shown(watch):
    repository, user = model(name="pico"), UserFactory(username="bo")
    discussions.open_discussion(repository=repository, user=user, title="Which data?", text="This:")
    watched = watch()
    watched.sign_in(user)
    page = watched.page
    watched.go(f"/{repository.full_name}/discussions/1")

    page.get_by_label("Attach a picture").set_input_files(
        {"name": 'a "b".png', "mimeType": "image/png", "buffer": PIXEL}
    )
    page.get_by_role("button", name="Answer", exact=True).click()

    picture = page.locator(".comment img")
    expect(picture).to_have_count(1)
    page.wait_for_function("() => document.querySelector('.comment img').naturalWidth === 1")
    assert watched.faults == []


def test_nothing_in_a_comment_acts(watch):
    """Canaries in comments, titles, names of files and texts of commits."""
    canary = [each.replace("alert(1)", "window.canary=1").replace("alert(2)", "window.canary=2") for each in ATTACKS]
    repository, user = model(name="hostile"), UserFactory(username="mallory")
    attack = "<img src=x onerror=window.canary=1>"
    thread = discussions.open_discussion(
        repository=repository, user=user, title=f"{attack} & \"quotes'", text="\n\n".join(canary)
    )
    discussions.comment(discussion=thread, user=user, text="".join(canary) + " @mallory #1 `#1`")
    change = [AddFile("&lt;b&gt;x'.txt", f"{attack}\n".encode()), AddFile("a.txt", "".join(canary).encode())]
    open_pull_request(repository=repository, user=user, title=attack, description=canary[2], operations=change)
    watched = watch()
    watched.sign_in(user)

    at = f"/{repository.full_name}/discussions"
    for path in (at, f"{at}/1", f"{at}/2", f"{at}/2/commits", f"{at}/2/files", f"{at}?q=%3Cscript%3E"):
        watched.go(path)
        watched.page.mouse.move(300, 300)
        assert watched.page.evaluate("window.canary") is None, path
    watched.go(f"{at}/1")
    watched.page.get_by_label("Answer").fill("".join(canary))
    watched.page.get_by_role("button", name="Preview").click()
    expect(watched.page.locator("#preview .panel")).to_be_visible()
    assert watched.page.evaluate("window.canary") is None

    assert [fault for fault in watched.faults if "404" not in fault] == []
