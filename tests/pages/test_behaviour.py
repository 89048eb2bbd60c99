"""What the small scripts do: light, language, keys, copying, filters, live runs."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from evaluation.models import Evaluation, Run
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import put
from tests.hub.core.test_markdown import ATTACKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_chosen_light_is_kept_and_set_before_anything_is_painted(watch):
    watched = watch(theme="light")
    watched.go("/status")
    background = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = watched.page.evaluate(background)

    watched.page.get_by_role("button", name="Dark").click()
    assert watched.page.evaluate(background) != light

    # When the parser reaches the body, the choice stands already: nothing is painted in the other colour.
    watched.page.add_init_script(
        """new MutationObserver((_, observer) => {
          if (!document.body) return;
          window.themeAtBody = document.documentElement.dataset.theme;
          observer.disconnect();
        }).observe(document, { childList: true, subtree: true });"""
    )
    watched.page.reload()
    assert watched.page.evaluate("window.themeAtBody") == "dark"
    assert watched.page.get_by_role("button", name="Light").is_visible()
    assert watched.faults == []


def test_the_language_is_switched_and_stays(watch):
    watched = watch()
    watched.go("/models?q=x")

    watched.page.get_by_role("button", name="简体中文").click()

    assert watched.page.url.endswith("/models?q=x")
    assert watched.page.locator("h1").inner_text() == "模型"
    watched.go("/status")
    assert watched.page.get_by_role("button", name="English").is_visible()


def test_keys_lead_to_the_content_and_to_the_search(watch):
    watched = watch()
    watched.go("/status")

    watched.page.keyboard.press("Tab")
    assert watched.page.evaluate("document.activeElement.className") == "skip"
    watched.page.keyboard.press("Enter")
    assert watched.page.url.endswith("#main")

    watched.page.keyboard.press("/")
    assert watched.page.evaluate("document.activeElement.id") == "top-q"
    watched.page.keyboard.type("a/b")  # The slash is a letter again once one is typing.
    assert watched.page.input_value("#top-q") == "a/b"
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url("**/models?q=a%2Fb")


def test_the_phone_menu_opens_by_key_and_closes_by_escape(watch):
    watched = watch(width=390)
    watched.go("/")
    menu = watched.page.locator(".phone--menu")

    menu.locator("summary").focus()
    watched.page.keyboard.press("Enter")
    assert menu.get_by_role("link", name="Data sets").is_visible()

    watched.page.keyboard.press("Escape")
    assert not menu.get_by_role("link", name="Data sets").is_visible()
    assert watched.page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_snippets_change_with_the_arrow_keys_and_copy(watch):
    repository = model(name="pico")
    watched = watch(permissions=["clipboard-read", "clipboard-write"])
    watched.go(f"/{repository.full_name}")

    watched.page.get_by_role("radio", name="Python").focus()
    watched.page.keyboard.press("ArrowRight")
    shell = watched.page.locator(".snippet:visible")
    assert "smallhub pull" in shell.inner_text()

    shell.get_by_role("button", name="Copy").click()
    copied = watched.page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(f"smallhub pull {repository.full_name}")
    assert watched.faults == []


def test_filters_change_the_results_in_place_and_the_address_with_them(watch):
    model(name="pico"), model(name="wiki")
    watched = watch()
    watched.go("/models")
    watched.page.evaluate("window.stillHere = true")

    watched.page.fill("#name-filter", "pico")
    watched.page.wait_for_url(re.compile(r"q=pico"))
    expect(watched.page.locator("#rows > li")).to_have_count(1)

    assert watched.page.evaluate("window.stillHere")
    watched.page.get_by_role("link", name="Remove words pico").click()
    expect(watched.page.locator("#rows > li")).to_have_count(2)
    assert watched.faults == []


def test_showing_more_appends_to_the_list(watch):
    for number in range(25):
        model(name=f"tiny-{number:02}")
    watched = watch()
    watched.go("/models")

    watched.page.get_by_role("link", name="Show more").click()
    expect(watched.page.locator("#rows > li")).to_have_count(25)

    titles = watched.page.locator("#rows .title").all_inner_texts()
    assert len(set(titles)) == 25
    assert not watched.page.get_by_role("link", name="Show more").is_visible()
    assert watched.faults == []


def test_filters_work_without_scripts(watch):
    model(name="pico"), model(name="wiki")
    watched = watch(width=390, java_script_enabled=False)
    watched.go("/models")

    watched.page.get_by_role("link", name="Filters").click()  # Opened by address.
    watched.page.fill("#name-filter", "wiki")
    watched.page.get_by_role("button", name="Filter").click()

    assert "q=wiki" in watched.page.url
    assert watched.page.locator("#rows > li").count() == 1


def test_a_running_evaluation_follows_by_itself_until_it_is_done(watch):
    repository = model(name="pico")
    evaluation = measured(repository, {}, status="running", states={"cost": "running"})
    watched = watch()
    watched.go(f"/{repository.full_name}/evaluations/main")
    assert watched.page.locator("progress").is_visible()

    Run.objects.filter(evaluation=evaluation, step="cost").update(
        state="passed", reason="66.9 MB on disk.", lease_until=None
    )
    Evaluation.objects.filter(pk=evaluation.pk).update(status="done", finished_at=timezone.now())
    watched.page.wait_for_selector("progress", state="detached", timeout=8_000)

    assert watched.page.get_by_text("66.9 MB on disk.").is_visible()
    asked = len(watched.requests)
    watched.page.wait_for_timeout(3_000)
    assert len(watched.requests) == asked  # It stopped asking.
    assert watched.faults == []


def test_hostile_cards_run_nothing_and_ask_no_other_host(watch):
    watched = watch()
    canary = [
        attack.replace("alert(1)", "window.canary=1").replace("alert(2)", "window.canary=2") for attack in ATTACKS
    ]
    repository = model(name="hostile")
    put(repository, {"README.md": "\n\n".join(canary), "all.md": "".join(canary)})

    for path in ("", "/blob/main/README.md", "/blob/main/all.md", "/blob/main/README.md?plain=1"):
        watched.go(f"/{repository.full_name}{path}")
        watched.page.mouse.move(300, 300)
        assert watched.page.evaluate("window.canary") is None

    assert [fault for fault in watched.faults if "404" not in fault] == []


def test_a_score_chart_is_one_picture_with_words(watch):
    repository = model(name="pico")
    measured(repository, {benchmark(): 0.749})
    watched = watch()
    watched.go(f"/{repository.full_name}")

    picture = watched.page.get_by_role("img", name=re.compile("Grammar pairs, English accuracy: 74.9 %"))
    dot = picture.locator(".dot").bounding_box()
    scale = picture.locator("line.scale").bounding_box()

    where = (dot["x"] + dot["width"] / 2 - scale["x"]) / scale["width"]
    assert where == pytest.approx((74.9 - 40) / 60, abs=0.02)
