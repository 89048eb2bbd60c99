"""Choosing a licence in a browser: questions answered, a suggestion taken, what the files say beside it."""

import pytest

from models_registry.licence_files import text_of
from models_registry.models import Repository
from models_registry.services.licensing import files
from tests.factories.registry import RepositoryFactory, put

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_answers_change_the_suggestions_and_one_is_declared(watch):
    draft = RepositoryFactory(draft=True, name="tide")
    put(draft, {"model.bin": "1"})
    watched = watch()
    watched.sign_in(draft.creator)
    watched.go(f"/{draft.full_name}")
    watched.page.get_by_role("link", name="Choose a licence").click()
    watched.page.wait_for_url("**/settings/licence")

    watched.page.check("input[name=sell][value=no]")
    watched.page.locator("input[name=licence][value='cc-by-nc-4.0']").wait_for()
    watched.page.check("input[name=share][value=yes]")
    watched.page.locator("input[name=licence][value='cc-by-nc-sa-4.0']").wait_for()
    assert watched.page.locator("input[name=share][value=yes]").evaluate("e => e === document.activeElement")
    watched.page.check("input[name=licence][value='cc-by-nc-sa-4.0']")
    watched.page.check("#id_add_text")
    watched.page.get_by_role("button", name="Declare this licence").click()
    watched.page.wait_for_url(f"**/{draft.full_name}/licence")

    row = Repository.objects.get(pk=draft.pk)
    assert (row.licence, row.is_draft) == ("cc-by-nc-sa-4.0", False)
    assert watched.page.get_by_text("A draft: no licence is declared.").count() == 0
    assert watched.faults == []


def test_a_choice_made_while_suggestions_are_on_their_way_stays(watch):
    draft = RepositoryFactory(draft=True, name="tide")
    watched = watch()
    watched.sign_in(draft.creator)
    watched.go(f"/{draft.full_name}/settings/licence")
    page, held = watched.page, []
    page.check("input[name=sell][value=no]")
    page.locator("input[name=licence][value='cc-by-nc-sa-4.0']").wait_for()
    page.route("**/settings/licence?*", lambda route: held.append(route))
    page.check("input[name=share][value=yes]")
    page.check("input[name=licence][value='cc-by-nc-sa-4.0']")
    page.wait_for_timeout(100)
    with page.expect_response("**/settings/licence?*"):
        held[0].continue_()
    page.get_by_text("What suits your answers:").wait_for()
    page.locator("input[name=licence][value='cc-by-nc-4.0']").wait_for(state="detached")

    assert page.locator("input[name=licence][value='cc-by-nc-sa-4.0']").is_checked()
    assert watched.faults == []


def test_a_new_model_is_published_with_what_the_questions_led_to(watch, tmp_path):
    from tests.factories.accounts import UserFactory

    user = UserFactory()
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.csv").write_text("a,b")
    watched = watch(width=390)
    watched.sign_in(user)
    watched.go("/new")
    watched.page.fill("#id_name", "waves")
    watched.page.check("input[name=kind][value=dataset]")
    watched.page.locator("input[name=licence][value='cc-by-4.0']").wait_for()
    watched.page.check("input[name=credit][value=no]")
    watched.page.locator("input[name=licence][value='cc0-1.0']").wait_for()
    watched.page.check("input[name=licence][value='cc0-1.0']")
    watched.page.set_input_files("input[webkitdirectory]", tmp_path / "m")
    watched.page.get_by_role("button", name="Publish").click()
    watched.page.wait_for_url(f"**/{user.username}/waves")

    assert Repository.objects.get(name="waves").licence == "cc0-1.0"
    assert watched.faults == []


def test_both_sides_of_a_disagreement_are_read_at_both_widths(watch):
    repository = RepositoryFactory(name="tide", licence="apache-2.0")
    altered = (text_of("MIT") or "") + "\nNobody may ever sell it to anybody."
    weights = "weights/model.bin"
    card = "---\nlicense: apache-2.0\nlicenses:\n  '*.bin': cc-by-nc-4.0\n---\n# Tide\n"
    commit = put(repository, {"README.md": card, "LICENSE": altered, weights: "1"})
    files.read_commit(commit=commit)
    for width in (1280, 390):
        watched = watch(width=width)
        watched.go(f"/{repository.full_name}/licence")
        assert "says MIT, the card says Apache-2.0." in watched.page.locator("main").inner_text()
        assert "nobody may ever sell" in watched.page.locator("main").inner_text()
        assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert watched.faults == []
