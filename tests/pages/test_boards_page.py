"""Boards in a real browser: the chart by keyboard, and models ticked in a list and compared without a script."""

import pytest

from tests.factories.pages import benchmark, measured, model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def two(live_server):
    pairs = benchmark()
    small, large = model(name="small"), model(name="large")
    measured(small, {pairs: 0.6}, bytes=2_000_000)
    measured(large, {pairs: 0.8}, bytes=90_000_000)
    return small, large


def test_points_of_the_chart_are_reached_by_keyboard_and_lead_to_their_models(watch, two):
    small, _ = two
    watched = watch()
    watched.go("/leaderboards/core-pairs-en")
    page = watched.page
    point = page.locator(f'.chart a[href="/{small.full_name}"]')
    assert point.get_attribute("aria-label") == f"{small.full_name}: 60.0 %, 2 MB"
    page.locator("#front ~ span a").last.focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        if point.evaluate("element => element === document.activeElement"):
            break
    else:
        pytest.fail("the point is not among the next stops of the Tab key")
    ring = "element => getComputedStyle(element.querySelector('.hit')).stroke"
    assert point.evaluate(ring) != "none", "focus is seen"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{small.full_name}")
    assert watched.faults == []


def test_models_are_ticked_in_the_list_and_compared_without_a_script(watch, two):
    watched = watch(java_script_enabled=False)
    watched.go("/models?task=text-generation")
    for name in ("large", "small"):
        watched.page.locator(f'input[name=models][value$="/{name}"]').check()
    watched.page.get_by_role("button", name="Compare the ticked").click()
    watched.page.locator(".compare").first.wait_for()
    watched.page.wait_for_load_state()  # The table may still be on its way.
    assert "/compare?models=" in watched.page.url
    assert watched.page.locator(".compare .verdict").count() == 1
    watched.go("/leaderboards/core-pairs-en?sort=size")
    watched.page.locator("tbody input[name=models]").first.check()
    watched.page.locator("tbody input[name=models]").last.check()
    watched.page.get_by_role("button", name="Compare the ticked").click()
    watched.page.locator(".compare").first.wait_for()
    watched.page.wait_for_load_state()  # The table may still be on its way.
    assert watched.page.locator(".compare tbody tr").count() > 1
    assert watched.faults == []
