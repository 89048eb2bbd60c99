"""A parent as a file names it, and the spellings that mean one and the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

MODEL, DATASET = "model", "dataset"
FINETUNE, ADAPTER, MERGE, QUANTIZED = "finetune", "adapter", "merge", "quantized"
DISTILLED, TRAINED_ON, EVALUATED_ON, PART_OF, UNKNOWN = "distilled", "trained_on", "evaluated_on", "part_of", "unknown"
DECLARED, DERIVED = "declared", "derived"
MAX_CLAIMS = 100
MAX_NAME = 200
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"
_FULL = re.compile(rf"{_SEGMENT}/{_SEGMENT}")
_ADDRESS = re.compile(r"https?://[^/\s]+/(?P<rest>[^?#\s]+)", re.IGNORECASE)
_VIEWS = {"tree", "blob", "resolve", "raw", "commit", "commits", "discussions"}
_PREFIXES = {"datasets": DATASET, "models": MODEL, "spaces": ""}
# The few names of the early days that have no namespace and mean a published model all the same.
_EARLY = re.compile(
    r"(?:distil)?gpt2(?:-medium|-large|-xl)?|openai-gpt|ctrl|transfo-xl-wt103"
    r"|(?:distil)?(?:bert|roberta)-(?:base|large)[a-z0-9-]*|albert-(?:base|large|xlarge|xxlarge)-v[12]"
    r"|camembert-base|xlm-(?:roberta|mlm|clm)-[a-z0-9-]+|xlnet-(?:base|large)-cased|t5-(?:small|base|large|3b|11b)"
)
# Of two claims about one parent the stricter relation stays.
_RANK = (ADAPTER, QUANTIZED, MERGE, DISTILLED, FINETUNE, PART_OF, TRAINED_ON, UNKNOWN, EVALUATED_ON)


@dataclass(frozen=True)
class Place:
    """Where it was read: a file of the commit and the key in it."""

    file: str
    key: str


@dataclass(frozen=True)
class Claim:
    """One parent. `name` is "" where a file tells that there is one but not which; `says` is how it was spelled."""

    kind: str
    name: str
    relation: str
    evidence: str
    places: tuple[Place, ...]
    says: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes two claims one. Parents without a name are told apart by what is said of them."""
        return self.kind, self.name.lower() or f"\n{self.relation} {self.says}"


def parent_name(value: str, *, bare: bool = True) -> tuple[str, str] | None:
    """(kind or "", name) of what a text names, or None where it names nothing that others could find.

    Args:
        bare: whether a word without a namespace counts; paths of somebody's machine are often such.
    """
    text = value.strip().strip("\"'<>")
    kind = ""
    address = _ADDRESS.fullmatch(text)
    if address is not None:
        parts = [part for part in address["rest"].split("/") if part]
        if parts and parts[0] in _PREFIXES:
            kind = _PREFIXES[parts.pop(0)]
        parts = parts[: next((at for at, part in enumerate(parts) if at >= 2 and part in _VIEWS), len(parts))]
        text = "/".join(parts)
    elif text.startswith(("datasets/", "models/")) and text.count("/") == 2:
        prefix, _, text = text.partition("/")
        kind = _PREFIXES[prefix]
    text = text.partition("@")[0].removesuffix(".git").strip()
    if _FULL.fullmatch(text) and ".." not in text and len(text) <= MAX_NAME:
        return kind, text
    if _EARLY.fullmatch(text) or (bare and re.fullmatch(_SEGMENT, text) and ".." not in text):
        return kind, text[:MAX_NAME]
    return None


def merged(claims: Iterable[Claim], *, own: str = "", own_kind: str = MODEL) -> list[Claim]:
    """One claim per parent, with all the places that name it; a card's words weigh more than a file's.

    Args:
        own: the repository's own name: files of a model that was saved again often name itself.
    """
    found: dict[tuple[str, str], Claim] = {}
    for claim in claims:
        if claim.name and claim.key == (own_kind, own.lower()) and claim.evidence == DERIVED:
            continue
        known = found.get(claim.key)
        found[claim.key] = claim if known is None else _joined(known, claim)
    is_known = any(claim.name and claim.relation == ADAPTER for claim in found.values())
    # An adapter has one base: a path of somebody's machine tells nothing where the card has its name.
    kept = [claim for claim in found.values() if claim.name or claim.relation != ADAPTER or not is_known]
    return kept[:MAX_CLAIMS]


def _joined(first: Claim, second: Claim) -> Claim:
    places = tuple(dict.fromkeys([*first.places, *second.places]))
    evidence = DECLARED if DECLARED in {first.evidence, second.evidence} else DERIVED
    if first.evidence != second.evidence:
        stated, other = (first, second) if first.evidence == DECLARED else (second, first)
        # A card that only says "a fine-tune" is told more by the file of an adapter.
        relation = min(stated.relation, other.relation, key=_RANK.index)
        return replace(stated, relation=relation, places=places, evidence=evidence)
    return replace(first, relation=min(first.relation, second.relation, key=_RANK.index), places=places)
