"""Declares a licence: the lines of the card, and the files that hold its text. Whether and how it is committed is asked
elsewhere, for it is a change like any other.
"""

import difflib
from collections.abc import Mapping, Sequence

from models_registry.cards import CARD, MAX_CARD_BYTES, CardFault
from models_registry.exceptions import InvalidLicence
from models_registry.front_matter import with_values
from models_registry.licence_files import filled, has_text
from models_registry.licences import Expression, find, parse, records, spdx_ids
from models_registry.models import Repository
from models_registry.services.heads import read_small_file
from models_registry.types import AddFile, Listing, Operation

MAX_LICENCE = 200
MAX_NAME = 100
MAX_LINK = 500
OTHER = "other"
TEXT_PATH = "LICENSE"
_CLOSE = 0.75


def checked(text: str) -> Expression:
    """What somebody wants to declare, read. An unknown id is taken; what is no licence at all is not.

    Raises:
        InvalidLicence
    """
    plain = " ".join(text.split())
    if not plain or len(plain) > MAX_LICENCE:
        raise InvalidLicence(licence=plain[:60], reason=f"A licence has 1 to {MAX_LICENCE} characters.")
    found = parse(plain)
    if found.fault:
        raise InvalidLicence(licence=plain[:60], reason=found.fault)
    return found


def spelled(expression: Expression) -> str:
    """As cards spell it: a known id in small letters without `-only`, as public filters have it; else as written."""
    if len(expression.ids) != 1 or " WITH " in expression.ids[0] or expression.unknown:
        return " ".join(expression.text.split())
    plain = expression.ids[0].lower()
    shorter = plain.removesuffix("-only")
    return shorter if find(shorter) is find(plain) else plain


def did_you_mean(name: str) -> str:
    """A known id that an unknown one is easily mistaken for; "" where none is near."""
    known = {alias.lower(): record.id for record in records() for alias in (record.id, *record.aliases)}
    known = {low: name for low, name in spdx_ids().items() if name} | known
    low = name.lower().replace("_", "-").replace(" ", "-")
    if low in known or low == OTHER:
        return "" if known.get(low, low).lower() == name.lower() else known[low]
    near = difflib.get_close_matches(low, known, n=1, cutoff=_CLOSE)
    return known[near[0]] if near else ""


def unknown_ids(expression: Expression) -> dict[str, str]:
    """Ids of which there is no record here, each with what may have been meant ("" for nothing)."""
    listed = spdx_ids()
    strange = (name for name in expression.unknown if name.lower() not in listed and name.lower() != OTHER)
    return {name: did_you_mean(name) for name in strange if not name.lower().startswith("licenseref-")}


def texts_of(expression: Expression, *, holder: str, year: int) -> Mapping[str, str]:
    """The text of each licence by the path where it belongs: LICENSE, or several under LICENSES/."""
    names = [name for name in expression.ids if has_text(name)]
    paths = {name: TEXT_PATH if len(expression.ids) == 1 else f"LICENSES/{name}.txt" for name in names}
    return {paths[name]: filled(name, holder=holder, year=year) or "" for name in names}


def operations(
    repository: Repository,
    listing: Listing,
    *,
    licence: str,
    name: str = "",
    link: str = "",
    texts: Mapping[str, str] | None = None,
) -> Sequence[Operation]:
    """The changes that make a commit declare this.

    Args:
        name, link: what `license: other` stands for; they go where the licence is not `other`.
        texts: files to write beside.

    Raises:
        InvalidLicence: the licence, or the card that there is, cannot be read.
    """
    found = checked(licence)
    is_own = spelled(found) == OTHER
    if is_own and not name.strip():
        raise InvalidLicence(licence=OTHER, reason="A licence of your own needs a name.")
    values = {
        "license": spelled(found),
        "license_name": " ".join(name.split())[:MAX_NAME] if is_own else None,
        "license_link": (" ".join(link.split())[:MAX_LINK] or None) if is_own else None,
    }
    if CARD in listing.files:
        raw = read_small_file(repository, listing, CARD, limit=MAX_CARD_BYTES)
        if raw is None:
            raise InvalidLicence(licence=found.text[:60], reason="README.md is too large to be changed here.")
        before = raw.decode("utf-8", "surrogateescape")
    else:
        before = f"# {repository.name}\n"
    try:
        after = with_values(before, values)
    except CardFault as fault:
        raise InvalidLicence(licence=found.text[:60], reason=f"The card cannot be changed here. {fault}") from fault
    changes: list[Operation] = [AddFile(path, text.encode()) for path, text in (texts or {}).items()]
    if after != before or CARD not in listing.files:
        changes.insert(0, AddFile(CARD, after.encode("utf-8", "surrogateescape")))
    return changes
