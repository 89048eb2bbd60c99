"""What holds of the engine whatever it is given: more parents or terms never allow more, and order does not matter."""

import random
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models_registry.licences import RELATIONS, Lineage, Link, Part, Record, find, judge, records
from models_registry.licences.judgement import VERDICTS
from models_registry.licences.records import Clause
from models_registry.licences.terms import LIMIT, MUST, TERMS, USE

IDS = [record.id for record in records()]
SOME = st.sampled_from([*IDS, "LicenseRef-house", ""])
LICENCES = st.one_of(
    SOME,
    st.tuples(SOME, st.sampled_from([" OR ", " AND "]), SOME).map(lambda t: "".join(t) if t[0] and t[2] else t[0]),
)
PARENTS = st.lists(st.tuples(st.sampled_from(RELATIONS), LICENCES), max_size=4)
ADDED = [key for key, term in TERMS.items() if term.group in (MUST, LIMIT, USE) and not term.needs]


def made(root: str, parents: list[tuple[str, str]], *, deep: bool = False) -> Lineage:
    parts = {"root": Part("root", "model", root, "ada/new")}
    links = []
    below = "root"
    for number, (relation, licence) in enumerate(parents):
        parts[f"p{number}"] = Part(f"p{number}", "model", licence, f"base/p{number}")
        links.append(Link(below, f"p{number}", relation))
        below = f"p{number}" if deep else "root"
    return Lineage("root", parts, tuple(links))


def rank(verdict: str) -> int:
    return VERDICTS.index(verdict)


def singles(may_be: tuple[str, ...]) -> set[str]:
    return {name for name in may_be if " AND " not in name}


@settings(max_examples=60, deadline=None)
@given(LICENCES, PARENTS, st.tuples(st.sampled_from(RELATIONS), LICENCES), st.booleans())
def test_another_parent_never_allows_more(root, parents, more, deep) -> None:
    before = judge(made(root, parents, deep=deep))
    after = judge(made(root, [*parents, more], deep=deep))
    assert rank(after.verdict) >= rank(before.verdict)
    assert singles(after.may_be) <= singles(before.may_be)
    assert {(one.term, one.licence) for one in before.obligations} <= {(o.term, o.licence) for o in after.obligations}
    assert {c.rule for c in before.conflicts} <= {c.rule for c in after.conflicts}
    assert {(one.kind, str(one.text)) for one in before.unknowns} <= {(o.kind, str(o.text)) for o in after.unknowns}


@settings(max_examples=60, deadline=None)
@given(LICENCES, st.sampled_from(RELATIONS), st.sampled_from(IDS), st.sampled_from(ADDED))
def test_another_term_of_a_parents_licence_never_allows_more(root, relation, parent, term) -> None:
    record = find(parent)
    assert record is not None
    assume(parent not in root and not record.has(term))
    stricter = harder(record, term)

    def find_harder(name: str) -> Record | None:
        found = find(name)
        return stricter if found is record else found

    lineage = made(root, [(relation, parent)])
    before, after = judge(lineage), judge(lineage, find=find_harder)
    assert rank(after.verdict) >= rank(before.verdict)
    # The licence itself is another one now, so it may no longer be compared with what it was.
    assert singles(after.may_be) - {parent} <= singles(before.may_be)


def harder(record: Record, term: str) -> Record:
    clause = Clause(term, "9")
    if TERMS[term].group == MUST:
        return replace(record, conditions=(*record.conditions, clause))
    if TERMS[term].group == USE:
        return replace(record, use_restrictions=(*record.use_restrictions, clause))
    return replace(record, limits=(*record.limits, clause))


@settings(max_examples=40, deadline=None)
@given(LICENCES, st.sampled_from(RELATIONS), SOME, SOME)
def test_one_more_licence_that_applies_never_allows_more(root, relation, first, second) -> None:
    assume(first and second)
    before = judge(made(root, [(relation, first)]))
    after = judge(made(root, [(relation, f"{first} AND {second}")]))
    assert rank(after.verdict) >= rank(before.verdict)
    assert singles(after.may_be) <= singles(before.may_be)


@settings(max_examples=40, deadline=None)
@given(LICENCES, PARENTS, st.integers(0, 9))
def test_order_does_not_matter_and_twice_is_the_same(root, parents, seed) -> None:
    lineage = made(root, parents)
    shuffle = random.Random(seed).sample
    parts = dict(shuffle(list(lineage.parts.items()), len(lineage.parts)))
    other = Lineage("root", parts, tuple(shuffle(lineage.links, len(lineage.links))) + lineage.links)
    assert judge(lineage).as_json() == judge(other).as_json() == judge(lineage).as_json()


@settings(max_examples=40, deadline=None)
@given(SOME, SOME, st.sampled_from(RELATIONS))
def test_the_same_choice_in_another_order_is_the_same(first, second, relation) -> None:
    assume(first and second)
    for word in (" OR ", " AND "):
        one = judge(made("mit", [(relation, first + word + second)]))
        other = judge(made("mit", [(relation, second + word + first)]))
        assert one.as_json() == other.as_json()


@settings(max_examples=40, deadline=None)
@given(PARENTS)
def test_what_it_may_be_has_no_conflict(parents) -> None:
    for name in judge(made("", parents)).may_be[:6]:
        rules = {conflict.rule for conflict in judge(made(name, parents)).conflicts}
        assert not rules, name
