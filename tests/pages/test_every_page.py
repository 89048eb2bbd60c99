"""Every page in a real browser, wide and narrow, light and dark, in both languages: it fits, is quiet, is labelled."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TOO_WIDE = """() => {
  const extra = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (extra <= 0) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 4).map((element) => `${element.tagName}.${element.className.baseVal ?? element.className}`);
}"""
GROUND = "() => getComputedStyle(document.documentElement).backgroundColor"
# What a person who hears the page would miss.
UNNAMED = """() => {
  const named = (e) => e.labels?.length || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.title;
  const wrong = [];
  const fields = document.querySelectorAll("input:not([type=hidden]), select, textarea");
  for (const e of fields) if (!named(e)) wrong.push(e.outerHTML);
  for (const e of document.querySelectorAll("a[href], button, summary"))
    if (!e.textContent.trim() && !named(e)) wrong.push(e.outerHTML);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) wrong.push(e.outerHTML);
  for (const e of document.querySelectorAll("[id]"))
    if (document.querySelectorAll(`[id="${CSS.escape(e.id)}"]`).length > 1) wrong.push(`twice: #${e.id}`);
  if (document.querySelectorAll("h1").length !== 1) wrong.push("h1");
  if (document.querySelectorAll("main").length !== 1) wrong.push("main");
  return wrong;
}"""


def walk(watched, pages: dict[str, str]) -> list[str]:
    """Visit pages in light, then in dark without a reload; what is wrong, with the page's name."""
    wrong = []
    for name, path in pages.items():
        watched.page.emulate_media(color_scheme="light")
        answer = watched.go(path)
        found = [f"status {answer.status}"] if answer.status != 200 else []
        found += [f"too wide: {element}" for element in watched.page.evaluate(TOO_WIDE)]
        found += [f"unnamed: {element[:120]}" for element in watched.page.evaluate(UNNAMED)]
        light = watched.page.evaluate(GROUND)
        watched.page.emulate_media(color_scheme="dark")
        found += [] if watched.page.evaluate(GROUND) != light else ["the same in light and dark"]
        found += [f"too wide in dark: {element}" for element in watched.page.evaluate(TOO_WIDE)]
        found += watched.faults
        watched.faults.clear()
        wrong += [f"{name}: {fault}" for fault in found]
    return wrong


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_is_quiet_and_is_labelled(watch, everything, width):
    watched = watch(width=width)

    wrong = walk(watched, everything["pages"])
    watched.sign_in(everything["user"])
    wrong += walk(watched, everything["private"])

    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_in_chinese(watch, everything, width):
    watched = watch(width=width, language="zh-CN")

    wrong = walk(watched, everything["pages"])
    watched.sign_in(everything["user"])
    wrong += walk(watched, everything["private"])

    assert wrong == []
    assert watched.page.locator("html").get_attribute("lang") == "zh-hans"


def test_pages_fit_at_twice_the_size(watch, everything):
    watched = watch(width=640, device_scale_factor=2)  # What 200 % zoom makes of a window of 1280.

    assert walk(watched, everything["pages"]) == []


def test_errors_are_pages_too(watch, everything):
    watched = watch(width=390)

    for path in ("/ada-wyn/nothing-here", "/nobody-here", "/models?cursor=x"):
        watched.go(path)
        assert watched.page.evaluate(TOO_WIDE) == []
        assert watched.page.evaluate(UNNAMED) == []
        assert watched.page.locator(".err-code").inner_text() in {"404", "400"}
