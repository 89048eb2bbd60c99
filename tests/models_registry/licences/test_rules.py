"""The worked cases of `cases.toml`: what something declares, what it was made from, and what follows."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from models_registry.licences import RELATIONS, RULES, Judgement, Lineage, Link, Part, find, judge

CASES = tomllib.loads((Path(__file__).parent / "cases.toml").read_text(encoding="utf-8"))["case"]


def lineage_of(case: dict[str, Any]) -> Lineage:
    parts = {"root": Part("root", "model", case["declared"], "ada/new")}
    links = []
    below = "root"
    for number, parent in enumerate(case["made"]):
        relation, _, licence = parent.partition(" ")
        key = f"p{number}"
        parts[key] = Part(key, "dataset" if relation == "trained_on" else "model", licence, f"base/{key}")
        links.append(Link(below, key, relation))
        below = key if case.get("deep") else "root"
    return Lineage("root", parts, tuple(links))


def named(found: Judgement) -> set[str]:
    sides = [side for row in (*found.conflicts, *found.unknowns) for side in row.sides]
    return {f"{side.licence} {side.section}" for side in sides}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_worked_case(case: dict[str, Any]) -> None:
    found = judge(lineage_of(case))
    assert found.verdict == case["verdict"], (found.conflicts, found.unknowns)
    if "rules" in case:
        assert {conflict.rule for conflict in found.conflicts} == set(case["rules"])
    unsettled = {step.rule for step in found.trace if step.outcome == "unknown"}
    assert set(case.get("unsettled", ())) <= unsettled
    assert set(case.get("sections", ())) <= named(found)
    terms = {one.term for one in found.obligations}
    assert set(case.get("carry", ())) <= terms
    assert not set(case.get("not_carry", ())) & terms
    assert set(case.get("may_be", ())) <= set(found.may_be)
    assert not set(case.get("not_be", ())) & set(found.may_be)
    for conflict in found.conflicts:
        assert len(conflict.sides) == 2, "both sides are named"
        assert str(conflict.source)
        assert all(str(side.text) for side in conflict.sides)


def test_the_cases_are_many_and_name_clauses_that_records_have() -> None:
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)
    for case in CASES:
        assert all(parent.partition(" ")[0] in RELATIONS for parent in case["made"])
        for section in case.get("sections", ()):
            licence, _, number = section.partition(" ")
            record = find(licence)
            assert record is not None
            assert number in {clause.section for clause in record.clauses}, section


def test_every_rule_has_a_source_and_a_case_that_it_decides() -> None:
    decided = {rule for case in CASES for rule in (*case.get("rules", ()), *case.get("unsettled", ()))}
    for rule in RULES:
        assert str(rule.source)
        assert not rule.certain & rule.contested
        if rule.key not in ("no-distribution", "no-data-redistribution"):
            assert rule.key in decided, rule.key
