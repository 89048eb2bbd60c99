"""The rows of a data set in a real browser: searched, walked and unfolded, and previewed on the card's page."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1280, 390])
def test_rows_are_searched_walked_and_unfolded(watch, everything, width):
    watched = watch(width=width)
    page = watched.page

    watched.go("/datasets/ada-wyn/tides/rows")
    page.click("text=Next rows")
    page.wait_for_selector("th.at:has-text('59')")
    page.click("text=First rows")
    page.wait_for_selector("th.at:has-text('49')")
    page.locator("details.cell summary").last.click()
    assert page.locator("details.cell[open] .cell-rest").inner_text().count("The tide turns.") == 49
    page.fill("#row-search", "LOW WATER")
    page.press("#row-search", "Enter")
    page.wait_for_selector("text=No row holds")
    page.click("nav[aria-label=Splits] >> text=test")
    page.wait_for_selector("td >> text=Low water")

    assert watched.faults == []


def test_the_page_of_a_data_set_shows_its_first_rows(watch, everything):
    watched = watch()

    watched.go("/datasets/ada-wyn/tides")
    watched.page.wait_for_selector("#table tbody tr >> nth=4")

    assert watched.page.locator("#table tbody tr").count() == 5
    assert watched.faults == []
