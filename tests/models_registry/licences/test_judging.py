import json

import pytest

from models_registry.licences import Lineage, LineageCycle, Link, Part, judge


def made(root: str, *parents: tuple[str, str]) -> Lineage:
    """A root with this licence and parents given as (relation, licence)."""
    parts = {"root": Part("root", "model", root, "ada/new")}
    links = []
    for number, (relation, licence) in enumerate(parents):
        key = f"p{number}"
        parts[key] = Part(key, "model", licence, f"base/{key}")
        links.append(Link("root", key, relation))
    return Lineage("root", parts, tuple(links))


def test_a_conflict_names_both_clauses() -> None:
    found = judge(made("mit", ("finetune", "cc-by-nc-4.0")))
    assert found.verdict == "conflict"
    (conflict,) = found.conflicts
    theirs, ours = conflict.sides
    assert (theirs.key, theirs.licence, theirs.section) == ("p0", "CC-BY-NC-4.0", "2(a)(1), 1(i)")
    assert (ours.key, ours.licence, ours.section) == ("root", "MIT", "¶1")
    assert str(theirs.text) == "You must not: use it commercially"
    assert str(ours.text) == "You may: use it commercially"
    assert str(conflict.text) == "base/p0 forbids commercial use; ada/new allows it."
    assert json.loads(json.dumps(found.as_json()))["conflicts"][0]["sides"][0]["key"] == "p0"


def test_restrictions_are_carried_by_an_adapter() -> None:
    found = judge(made("openrail", ("adapter", "openrail")))
    assert found.verdict == "obligations"
    assert {"use-minors", "use-medical"} <= {one.term for one in found.must_not}
    assert all(one.because == ("p0",) for one in found.obligations)


def test_what_is_made_of_itself_is_refused() -> None:
    parts = {key: Part(key, "model", "mit", key) for key in "abc"}
    links = tuple(Link(*pair, "finetune") for pair in ("ab", "bc", "ca"))
    with pytest.raises(LineageCycle) as caught:
        judge(Lineage("a", parts, links))
    assert caught.value.keys == ("a", "b", "c", "a")


def test_two_parents_that_exclude_each_other_are_named() -> None:
    found = judge(made("", ("merge", "gpl-3.0"), ("merge", "cc-by-nc-4.0")))
    (conflict,) = found.conflicts
    assert conflict.rule == "no-common-licence"
    assert {side.licence for side in conflict.sides} == {"GPL-3.0-only", "CC-BY-NC-4.0"}
    assert found.may_be == ()
