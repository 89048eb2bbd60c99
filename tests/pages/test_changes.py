"""Files and settings changed in a real browser: new, edited, in conflict, renamed, deleted, proposed, brought back."""

import pytest

from models_registry.models import Discussion, Repository
from tests.factories.accounts import UserFactory
from tests.factories.pages import model
from tests.factories.registry import put

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pico(live_server):
    made = model(user=UserFactory(username="ada-wyn"), name="pico")
    put(made, {"notes/a.md": "# One\n", "notes/b.txt": "b"})
    made.refresh_from_db()
    return made


def test_a_file_is_written_with_a_preview_and_a_count_of_lines(watch, pico):
    watched = watch()
    watched.sign_in(pico.creator)
    watched.go("/ada-wyn/pico/tree/main/notes")
    page = watched.page

    page.locator("summary", has_text="Add files").click()
    page.get_by_role("link", name="Write a new file").click()
    page.fill("[name=path]", "notes/c.md")
    page.fill("[name=content]", "# Tides\n\nHigh **and** low.\n")
    assert page.locator("[data-lines]").inner_text() == "3 lines"
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview strong", has_text="and").wait_for()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/blob/main/notes/c.md")

    assert page.locator("article h2", has_text="Tides").is_visible() or "Tides" in page.locator("article").inner_text()
    assert watched.faults == []


def test_of_two_who_edit_one_file_the_second_sees_both_texts(watch, pico):
    watched = watch()
    watched.sign_in(pico.creator)
    watched.go("/ada-wyn/pico/edit/main/notes/a.md")
    page = watched.page
    put(pico, {"notes/a.md": "# Theirs\n"})

    page.fill("[name=content]", "# Mine\n")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Somebody has changed this file meanwhile.").wait_for()
    assert page.locator("pre.code").inner_text().strip() == "# Theirs"
    assert page.input_value("[name=content]") == "# Mine\n"
    watched.faults.clear()  # The browser notes the 409 itself.
    page.get_by_role("button", name="Save mine on top").click()
    page.wait_for_url("**/blob/main/notes/a.md")

    assert "Mine" in page.locator("article").inner_text()
    assert watched.faults == []


def test_renaming_and_deleting_from_the_file_page(watch, pico):
    watched = watch(width=390)
    watched.sign_in(pico.creator)
    watched.go("/ada-wyn/pico/blob/main/notes/b.txt")
    page = watched.page

    page.locator("summary[aria-label='More']").click()
    page.get_by_role("link", name="Rename").click()
    page.fill("[name=to]", "notes/c.txt")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_url("**/blob/main/notes/c.txt")
    page.locator("summary[aria-label='More']").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/tree/main/notes")

    assert page.locator(".tree-row a", has_text="c.txt").count() == 0
    assert watched.faults == []


def test_a_reader_proposes_an_edit(watch, pico):
    watched = watch()
    watched.sign_in(UserFactory(username="ben-oka"))
    watched.go("/ada-wyn/pico/blob/main/notes/b.txt")
    page = watched.page

    page.get_by_role("link", name="Edit").click()
    page.fill("[name=content]", "better")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/discussions/*")

    assert Discussion.objects.get().title == "Update notes/b.txt"
    assert watched.faults == []


def test_files_are_found_while_typing(watch, pico):
    watched = watch()
    watched.go("/ada-wyn/pico/tree/main")
    page = watched.page

    page.get_by_role("link", name="Go to file").click()
    page.locator("#find").press_sequentially("a.md")
    page.locator("#found a", has_text="notes/a.md").wait_for()
    page.locator("#found a", has_text="notes/b.txt").wait_for(state="detached")

    assert watched.faults == []


def test_renamed_deleted_and_brought_back(watch, pico):
    watched = watch()
    watched.sign_in(pico.creator)
    watched.go("/ada-wyn/pico")
    page = watched.page

    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.get_by_role("link", name="Name and owner").click()
    page.fill("[name=name]", "nano")
    page.get_by_role("button", name="Move ").click()
    page.wait_for_url("**/ada-wyn/nano")
    watched.go("/ada-wyn/pico/blob/main/notes/b.txt?x=1")
    assert page.url == f"{watched.base}/ada-wyn/nano/blob/main/notes/b.txt?x=1"

    watched.go("/ada-wyn/nano/settings/danger")
    page.fill("[name=name]", "ada-wyn/nano")
    page.get_by_role("button", name="Delete ").click()
    page.wait_for_url("**/settings/deleted")
    assert not Repository.objects.exists()
    page.get_by_role("button", name="Bring ada-wyn/nano back").click()
    page.wait_for_url("**/ada-wyn/nano")

    assert Repository.objects.get().full_name == "ada-wyn/nano"
    assert watched.faults == []


def test_without_scripts_a_file_is_edited(watch, pico):
    watched = watch(java_script_enabled=False)
    watched.sign_in(pico.creator)
    watched.go("/ada-wyn/pico/edit/main/notes/b.txt")
    page = watched.page

    page.fill("[name=content]", "plain")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/blob/main/notes/b.txt")

    assert "plain" in page.locator(".lines").inner_text()
