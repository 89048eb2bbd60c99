"""Every template: a title, nothing inline, nothing from elsewhere, words that can be translated."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, text, tracked

TEMPLATES = [path for path in tracked() if path.parts[0] == "templates" and path.suffix == ".html"]
STATIC = [path for path in tracked() if path.parts[0] == "static" and path.suffix in {".css", ".js", ".svg"}]
FRAMES = ("base.html", "error_base.html")

INLINE = {
    "a style attribute": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "a script that is not a file": re.compile(
        r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE
    ),
    "hx-on": re.compile(r"\shx-on", re.IGNORECASE),
}
# Namespaces of SVG and XML are names, not addresses that a browser fetches.
NAMES = ("http://www.w3.org/",)
EXTERNAL = re.compile(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
LOADED = re.compile(
    r"(?:src|href|action|poster|data|srcset|hx-[a-z]+)\s*=\s*[\"']?\s*((?:https?:)?//[^\"'\s>]+)|url\(\s*[\"']?((?:https?:)?//[^)]+)|@import\s+[\"']((?:https?:)?//[^\"']+)"
)


def uncommented(path: Path) -> str:
    body = text(path)
    return re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", body, flags=re.DOTALL)


def is_page(path: Path) -> bool:
    return "{% extends" in text(path)


def test_there_are_templates():
    assert len(TEMPLATES) > 20


def parents(path: Path) -> list[Path]:
    """The templates that this one extends, nearest first."""
    found = re.search(r'{% extends "([^"]+)" %}', text(path))
    if not found:
        return []
    parent = Path("templates") / found[1]
    return [parent, *parents(parent)]


@pytest.mark.parametrize("path", [path for path in TEMPLATES if is_page(path)], ids=str)
def test_every_page_has_a_title_of_its_own(path: Path):
    if path.parts[-1] in FRAMES or path.stem.endswith("_base"):
        return  # A frame for others.
    chain = [path, *[parent for parent in parents(path) if parent.name not in FRAMES]]
    titles = [re.search(r"{% block title %}(.*?){% endblock", text(one), re.DOTALL) for one in chain]
    assert any(found and found[1].strip() for found in titles)


@pytest.mark.parametrize("what", INLINE)
def test_nothing_is_inline(what: str):
    """The content security policy allows our own files alone; whatever is inline would silently not work."""
    wrong = [f"{path}: {found[0][:80]}" for path in TEMPLATES if (found := INLINE[what].search(uncommented(path)))]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_loaded_from_elsewhere():
    """No font, script, picture or style of another site: the hub works with no network but its own."""
    wrong = []
    for path in (*TEMPLATES, *STATIC):
        for found in LOADED.finditer(uncommented(path)):
            address = next(group for group in found.groups() if group)
            if not address.startswith(NAMES):
                wrong.append(f"{path}: {address}")
    assert not wrong, "\n".join(wrong)


def test_no_other_address_stands_in_a_template_or_script():
    wrong = [
        f"{path}: {found[0]}"
        for path in (*TEMPLATES, *STATIC)
        for found in EXTERNAL.finditer(uncommented(path))
        if not found[0].startswith(tuple(name.rstrip("/") for name in NAMES))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_template_named_exists():
    missing = []
    for path in TEMPLATES:
        names = re.findall(r'{% (?:extends|include) "([^"]+)"', text(path))
        missing += [f"{path}: {name}" for name in names if not (ROOT / "templates" / name).is_file()]
    assert not missing, "\n".join(missing)


def test_every_template_rendered_by_a_view_exists_and_none_lies_about():
    """A template that nothing names is dead; a name without a template is a broken page."""
    named = set(re.findall(r'"([a-z_]+(?:/[a-z_]+)*/?[a-z_0-9]+\.html)"', "\n".join(text(path) for path in _python())))
    included = {name for path in TEMPLATES for name in re.findall(r'"([\w/.-]+\.html)"', text(path))}
    existing = {path.relative_to("templates").as_posix() for path in TEMPLATES}
    # Django itself looks for these by name.
    by_convention = {f"{status}.html" for status in (400, 403, 404, 413, 429, 500, 503)}
    # A view may choose among the pages of a folder: f"models_registry/{template}.html".
    chosen = {path for path in _python() if re.search(r'f"\w+/\{\w+\}\.html"', text(path))}
    composed = {name for name in existing if any(f'"{Path(name).stem}"' in text(path) for path in chosen)}
    assert not sorted(named - existing), "named, but not there"
    assert not sorted(existing - named - included - by_convention - composed), "there, but never named"


def _python() -> list[Path]:
    folders = ("hub", "accounts", "models_registry", "evaluation", "training", "studio")
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in folders]


def test_pictures_say_what_they_show():
    wrong = [
        f"{path}: {found[0][:80]}"
        for path in TEMPLATES
        for found in re.finditer(r"<img\b[^>]*>", uncommented(path))
        if " alt=" not in found[0]
    ]
    assert not wrong, "\n".join(wrong)
