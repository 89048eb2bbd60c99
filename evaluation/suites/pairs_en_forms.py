"""The English inflections that the sentence pairs need: regular spelling, and the exceptions their words ask for."""

from collections.abc import Mapping

from evaluation.suites.pairs_grammar import Row

IRREGULAR_VERBS: Mapping[str, tuple[str, str]] = {
    "build": ("built", "built"),
    "buy": ("bought", "bought"),
    "draw": ("drew", "drawn"),
    "choose": ("chose", "chosen"),
    "break": ("broke", "broken"),
    "find": ("found", "found"),
    "forget": ("forgot", "forgotten"),
    "hide": ("hid", "hidden"),
    "sell": ("sold", "sold"),
    "sleep": ("slept", "slept"),
    "steal": ("stole", "stolen"),
    "throw": ("threw", "thrown"),
    "weave": ("wove", "woven"),
    "write": ("wrote", "written"),
}
IRREGULAR_PLURALS: Mapping[str, str] = {
    "child": "children",
    "knife": "knives",
    "scarf": "scarves",
    "shelf": "shelves",
    "loaf": "loaves",
}
DOUBLED = frozenset({"stop", "wrap", "knit", "label"})


def plural(noun: str) -> str:
    """Form the plural of an English noun that `IRREGULAR_PLURALS` lists or that is regular."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    return third_person(noun)


def third_person(verb: str) -> str:
    """Form "he bakes" from "bake"; the same spelling rule makes regular plurals."""
    if verb.endswith(("s", "x", "ch", "sh")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def past_forms(verb: str) -> tuple[str, str]:
    """Form the past tense and the past participle."""
    if verb in IRREGULAR_VERBS:
        return IRREGULAR_VERBS[verb]
    if verb.endswith("e"):
        return verb + "d", verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied", verb[:-1] + "ied"
    stem = verb + verb[-1] if verb in DOUBLED else verb
    return stem + "ed", stem + "ed"


def ing_form(verb: str) -> str:
    """Form "baking" from "bake"."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return (verb + verb[-1] if verb in DOUBLED else verb) + "ing"


def verb_columns(verb: str) -> dict[str, str]:
    """Give all forms of a verb as the columns base, s, past, part and ing."""
    past, part = past_forms(verb)
    return {"base": verb, "s": third_person(verb), "past": past, "part": part, "ing": ing_form(verb)}


def inflected(rows: list[Row]) -> list[Row]:
    """Add the forms of each row's `verb`, and the plurals of its `sg` and `thing`, where it has them."""
    grown: list[Row] = []
    for row in rows:
        forms = verb_columns(row["verb"]) if "verb" in row else {}
        if "sg" in row:
            forms["pl"] = plural(row["sg"])
        if "thing" in row:
            forms["things"] = plural(row["thing"])
        grown.append({**row, **forms})
    return grown
