"""Fits a classifier's labels to a set's labels, by what they say and never by their order."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from evaluation.metrics.entities import is_label

# Different words for one class. A set may declare more under `scorer_args.label_synonyms`.
_SYNONYMS: Mapping[str, frozenset[str]] = {
    "positive": frozenset({"pos", "good"}),
    "negative": frozenset({"neg", "bad"}),
    "spam": frozenset({"junk"}),
    "ham": frozenset({"not spam", "no spam", "legitimate"}),
    "sport": frozenset({"sports"}),
    "technology": frozenset({"tech"}),
    "sci tech": frozenset({"science technology", "scitech"}),
    "person": frozenset({"per", "people"}),
    "location": frozenset({"loc", "place"}),
    "organization": frozenset({"org", "organisation"}),
    "corporation": frozenset({"corp", "company"}),
    "miscellaneous": frozenset({"misc"}),
}


class LabelsDiffer(ValueError):
    """The two label sets cannot be matched one to one; the text says which labels are left over."""


def match(
    model_labels: Sequence[str], set_labels: Sequence[str], synonyms: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Map each label of the model to a label of the set, one to one.

    Case, underscores, hyphens and slashes do not matter. `LABEL_0` says nothing, so it never matches by its number.

    Raises:
        LabelsDiffer: a label on either side has no partner, or two compete for one.
    """
    wanted: dict[str, str] = {}
    for label in set_labels:
        for word in _words_for(label, synonyms or {}):
            if wanted.setdefault(word, label) != label:
                raise LabelsDiffer(f"The word {word!r} stands for two labels of the set.")
    found = {label: wanted[plain(label)] for label in model_labels if plain(label) in wanted}
    strangers = [label for label in model_labels if label not in found]
    missing = [label for label in set_labels if label not in found.values()]
    if strangers or missing or len(set(found.values())) != len(found):
        raise LabelsDiffer(_sentence(strangers, missing))
    return found


def match_types(
    model_labels: Collection[str], set_types: Sequence[str], synonyms: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Map the entity types in a tagger's labels (`B-PER`, `I-PER`, `O`) to those of a set, one to one.

    Raises:
        LabelsDiffer: a label has no form of IOB or IOBES, or the types have no partners.
    """
    strange = sorted(label for label in model_labels if not is_label(label))
    if strange:
        raise LabelsDiffer(f"{_listed(strange)} name no beginning or inside of an entity.")
    types = sorted({label.partition("-")[2] for label in model_labels} - {""})
    return match(types, set_types, synonyms)


def plain(label: str) -> str:
    """A label as it is compared: lower case, words parted by one space."""
    return re.sub(r"[\s_\-/]+", " ", label.casefold()).strip()


def _words_for(label: str, synonyms: Mapping[str, Sequence[str]]) -> set[str]:
    base = plain(label)
    words = {base} | {plain(word) for word in synonyms.get(label, ())}
    for name, others in _SYNONYMS.items():
        if base == name or base in others:
            words |= {name, *others}
    return words


def _sentence(strangers: Sequence[str], missing: Sequence[str]) -> str:
    parts = []
    if missing:
        parts.append(f"the model has no label for {_listed(missing)}")
    if strangers:
        parts.append(f"the set does not know {_listed(strangers)}")
    return ("; ".join(parts) or "two labels of the model mean the same") + "."


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(str(label)[:40] for label in labels[:5])
    return f"{shown} and {len(labels) - 5} more" if len(labels) > 5 else shown
