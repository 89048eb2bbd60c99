"""Where a model comes from, in a browser: drawn on a desk, a list on a phone, by keyboard, without a script."""

import pytest

from tests.factories.accounts import UserFactory
from tests.factories.lineage import family
from tests.pages.test_every_page import TOO_WIDE, UNNAMED

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_lineage_is_read_on_a_desk_a_phone_and_without_a_script(watch):
    family(UserFactory(username="ada"), children=22)
    desk = watch(theme="dark")
    page = desk.page
    desk.go("/ada/tide-tuned")
    page.get_by_role("link", name="All of it").click()
    drawing = page.get_by_role("group", name="Drawing; the list below says the same")
    drawing.wait_for()
    assert drawing.get_by_text("licence not known").count() == 3
    # Each line ends where its box is: lines are in percent, boxes in a grid.
    boxes = page.locator(".lin-level").nth(1).locator("> *")
    lines = page.locator(".lin-lines").first.locator("line")
    ends = sorted(line.evaluate("e => e.getBoundingClientRect()")["right"] for line in lines.all())
    middles = sorted(
        box.evaluate("e => e.getBoundingClientRect().x + e.getBoundingClientRect().width / 2") for box in boxes.all()
    )
    assert abs(ends[-1] - middles[-1]) < 3

    drawing.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/licence")
    assert page.locator("h1").inner_text() != "ada/tide-tuned"
    page.go_back()
    page.get_by_role("link", name="More", exact=True).click()
    assert page.locator("#children li").count() == 2
    assert page.evaluate(UNNAMED) == []
    assert desk.faults == []

    phone = watch(width=390, java_script_enabled=False)
    phone.go("/ada/tide-tuned/licence")
    assert not phone.page.locator(".lin-scroll").is_visible()
    assert phone.page.get_by_text("verified", exact=True).last.is_visible()
    assert phone.page.get_by_text("Its weights do not resemble it", exact=False).is_visible()
    narrow = watch(width=390)
    narrow.go("/ada/tide-tuned/licence")
    assert narrow.page.evaluate(TOO_WIDE) == []
