"""Which licence each file of a commit is under, who says so, and where the files and the card disagree."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote

from models_registry import addresses
from models_registry.cards import Card
from models_registry.licence_files import Mapping, PathLicence, has_text, read_mapping
from models_registry.licence_files.declared import BESIDE, CARD_KEY, INSIDE, REUSE
from models_registry.licences import Lineage, Link, Part, declared, parse
from models_registry.licences.lineage import DECLARED, DERIVED_EVIDENCE, PART_OF
from models_registry.manifests import listing_of
from models_registry.models import Commit, LicenceReading, Repository
from models_registry.services.heads import card_of
from models_registry.services.licensing.files import TEXT, has_any
from models_registry.types import Listing

AGREES, DIFFERS, ALTERED, UNDECLARED, UNREAD = "agrees", "differs", "altered", "undeclared", "unread"
FOLDER = "folder"
MAX_PARTS = 20
MAX_FILES = 5_000
_ENDINGS = ("-only", "-or-later", "+")


@dataclass(frozen=True)
class FileLicence:
    """The licence of one file. `source` says who declares it: card, reuse, beside, inside (the file itself), folder."""

    path: str
    licence: str
    source: str
    where: str
    holder: str = ""


@dataclass(frozen=True)
class Finding:
    """What one file says of the licence of the whole, next to what the card says.

    Attributes:
        state: agrees; differs; altered (that licence, with words changed); undeclared (the card says nothing); unread
            (a text that nobody here knows).
        licence, declared: what the file says and what the card says.
        added, missing: passages of an altered text that only the file has, or only the licence.
    """

    state: str
    path: str
    source: str
    licence: str
    declared: str
    score: float | None = None
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        return self.state in (DIFFERS, ALTERED)

    @property
    def percent(self) -> str:
        return "" if self.score is None else f"{self.score:.1%}"

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "added": list(self.added), "missing": list(self.missing)}


@dataclass(frozen=True)
class FileLicences:
    """All of it, for one commit. `is_read` is False until the files were read, which happens after the push."""

    declared: str
    listing: Listing
    mapping: Mapping
    rows: Sequence[dict[str, Any]]
    is_read: bool
    faults: tuple[str, ...] = ()

    def of(self, path: str) -> FileLicence | None:
        """The licence of one file where something says it of this file; None: the card's holds."""
        rule = self.mapping.of(path) or self._reuse.of(path)
        if rule is not None:
            return FileLicence(path, rule.licence, rule.source, rule.where, rule.holder)
        for source, name in ((BESIDE, f"{path}.license"), (INSIDE, path)):
            row = self._by_path.get((source, name))
            if row is not None:
                return FileLicence(path, row["licence"], source, name)
        return self._of_folder(path)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The licence files at the top, and the weights that say something of themselves, against the card."""
        found = [self._finding(row) for row in self.rows if row["source"] == TEXT and self._speaks_for_all(row["path"])]
        for row in self.rows:
            if row["source"] == INSIDE and not same(row["licence"], self.declared) and not self._is_ruled(row["path"]):
                state = DIFFERS if self.declared else UNDECLARED
                found.append(Finding(state, row["path"], INSIDE, row["licence"], self.declared))
        return tuple(found)

    @property
    def texts(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.source == TEXT)

    @property
    def faulty(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.is_fault)

    @property
    def lacks_text(self) -> bool:
        """Whether a licence is declared whose text could be put beside the files, and no file holds any."""
        ids = parse(self.declared).ids
        return self.is_read and not self.texts and bool(ids) and any(has_text(name) for name in ids)

    @property
    def suggested(self) -> str:
        """What a licence file names where the card declares none."""
        return next((each.licence for each in self.findings if each.state == UNDECLARED), "")

    @cached_property
    def differing(self) -> tuple[FileLicence, ...]:
        """Files under another licence than the card's, each licence once for each that says it."""
        found: dict[tuple[str, str], FileLicence] = {}
        for path in islice(self.listing.files, MAX_FILES):
            own = self.of(path)
            if own is not None and not same(own.licence, self.declared):
                found.setdefault((own.licence.lower(), own.where), own)
            if len(found) == MAX_PARTS:
                break
        return tuple(found.values())

    @property
    def whole(self) -> str:
        """What holds for who takes all files: every licence at once, so the strictest of each kind decides."""
        return _together(self.declared, *(each.licence for each in self.differing))

    @property
    def agreed(self) -> str:
        """The same without what weights say of themselves: that is no declaration, and may be at odds with one."""
        return _together(self.declared, *(each.licence for each in self.differing if each.source != INSIDE))

    def as_json(self) -> dict[str, Any]:
        return {
            "is_read": self.is_read,
            "findings": [each.as_json() for each in self.findings],
            "own": [vars(each) for each in self.differing],
            "whole": self.whole,
            "faults": list(self.faults),
        }

    def parts(self, repository: Repository, commit: Commit) -> tuple[Part, ...]:
        """Files with a licence of their own, as parts of a lineage: each lies in the repository as it is."""
        page = addresses.at(repository, "blob", commit.oid)
        return tuple(
            Part(f"file:{each.path}", "file", each.licence, each.path, f"{page}/{quote(each.path)}")
            for each in self.differing
        )

    @cached_property
    def _by_path(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(row["source"], row["path"]): row for row in self.rows if row["source"] in (BESIDE, INSIDE, TEXT)}

    @cached_property
    def _reuse(self) -> Mapping:
        rules = (row for row in self.rows if row["source"] == REUSE)
        return Mapping(
            tuple(PathLicence(r["pattern"], r["licence"], REUSE, r["path"], r.get("holder", "")) for r in rules)
        )

    def _is_ruled(self, path: str) -> bool:
        return self.mapping.of(path) is not None or self._reuse.of(path) is not None

    def _of_folder(self, path: str) -> FileLicence | None:
        """The licence file of the nearest folder that has one; the top's is the card's business."""
        folder = path.rpartition("/")[0]
        while folder:
            row = self._folders.get(folder)
            if row is not None and path != row["path"]:
                return FileLicence(path, row["licence"], FOLDER, row["path"])
            folder = folder.rpartition("/")[0]
        return None

    @cached_property
    def _folders(self) -> dict[str, dict[str, Any]]:
        rows = (row for row in self.rows if row["source"] == TEXT and row["licence"] and not _is_shelf(row["path"]))
        return {row["path"].rpartition("/")[0]: row for row in rows}

    def _speaks_for_all(self, path: str) -> bool:
        return "/" not in path or _is_shelf(path)

    def _finding(self, row: dict[str, Any]) -> Finding:
        path, licence, declared_ = row["path"], row["licence"], self.declared
        if _is_shelf(path):  # It stands there for the files that name it.
            used = [declared_, *(rule.licence for rule in (*self.mapping.rules, *self._reuse.rules))]
            declared_ = next((name for name in used if same(licence, name)), declared_)
        names = [licence, *row.get("also", ())]
        more = (tuple(row.get("added", ())), tuple(row.get("missing", ())))
        if not licence:
            return Finding(UNREAD, path, TEXT, "", declared_, row.get("score"))
        if not declared_:
            return Finding(UNDECLARED, path, TEXT, licence, "", row.get("score"), *more)
        if not any(same(name, declared_) for name in names):
            return Finding(DIFFERS, path, TEXT, licence, declared_, row.get("score"), *more)
        return Finding(ALTERED if any(more) else AGREES, path, TEXT, licence, declared_, row.get("score"), *more)


def of_commit(repository: Repository, commit: Commit, *, card: Card | None = None) -> FileLicences:
    """What is known of the licences of a commit's files; two queries, and one for the card if it is not at hand."""
    listing = listing_of(commit)
    data = repository.card if commit.oid == repository.head else (card or card_of(repository, commit)).data
    reading = LicenceReading.objects.filter(commit=commit).first()
    mapping = read_mapping(data.get(CARD_KEY))
    return FileLicences(
        declared=declared(data),
        listing=listing,
        mapping=mapping,
        rows=reading.found if reading is not None else (),
        is_read=reading is not None or not has_any(listing),
        faults=(*mapping.faults, *(reading.faults if reading is not None else ())),
    )


def with_files(found: Lineage, repository: Repository, commit: Commit) -> Lineage:
    """A lineage whose root declares what this commit does, for each of its files.

    Files with a licence of their own are parts of the root and bring their duties. What is declared of them belongs to
    what the root declares; what weights say of themselves does not: it is the word of one file.
    """
    files = of_commit(repository, commit)
    root = replace(found.parts[found.root], licence=files.agreed)
    parts = files.parts(repository, commit)
    sources = {f"file:{each.path}": each.source for each in files.differing}
    links = tuple(
        Link(found.root, part.key, PART_OF, DERIVED_EVIDENCE if sources[part.key] == INSIDE else DECLARED)
        for part in parts
    )
    return Lineage(found.root, {**found.parts, **{p.key: p for p in parts}, found.root: root}, (*found.links, *links))


def _together(*names: str) -> str:
    """All of these licences at once."""
    given = list(dict.fromkeys(name for name in names if name))
    if len(given) < 2:
        return "".join(given)
    return " AND ".join(f"({name})" if " " in name else name for name in given)


def same(one: str, other: str) -> bool:
    """Whether what a file says is among what a card declares, or the other way round; `-only` makes no difference."""
    left, right = _plain_ids(one), _plain_ids(other)
    return bool(left and right) and (left <= right or right <= left)


def _plain_ids(text: str) -> frozenset[str]:
    return frozenset(_plain(name) for name in parse(text).ids)


def _plain(name: str) -> str:
    found = name.lower()
    for ending in _ENDINGS:
        found = found.removesuffix(ending)
    return found


def _is_shelf(path: str) -> bool:
    """Whether it lies in LICENSES/, where each text waits for the files that name it."""
    return path.rpartition("/")[0].rpartition("/")[2] == "LICENSES"
