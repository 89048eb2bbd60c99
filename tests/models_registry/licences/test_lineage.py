from itertools import pairwise

import pytest

from models_registry.licences import Lineage, LineageCycle, Link, Part
from models_registry.licences.lineage import Way, joined, ways


def built(*links: tuple[str, str, str] | tuple[str, str, str, str]) -> Lineage:
    keys = {key for link in links for key in link[:2]}
    return Lineage("a", {key: Part(key, "model", "mit", key) for key in keys}, tuple(Link(*link) for link in links))


@pytest.mark.parametrize(
    ("near", "far", "whole"),
    [
        ("finetune", "finetune", "finetune"),
        ("quantized", "quantized", "quantized"),
        ("quantized", "adapter", "finetune"),
        ("finetune", "trained_on", "trained_on"),
        ("trained_on", "finetune", "trained_on"),
        ("distilled", "merge", "distilled"),
        ("adapter", "part_of", "part_of"),
        ("unknown", "finetune", "unknown"),
        ("finetune", "evaluated_on", "evaluated_on"),
    ],
)
def test_along_a_way_the_weakest_step_counts(near: str, far: str, whole: str) -> None:
    assert joined(near, far) == whole


def test_every_ancestor_is_reached_by_each_of_its_ways() -> None:
    found = ways(
        built(
            ("a", "b", "finetune"),
            ("a", "c", "distilled"),
            ("b", "d", "finetune"),
            ("c", "d", "finetune"),
            ("d", "e", "evaluated_on"),
        )
    )
    assert found == (Way("b", "finetune"), Way("c", "distilled"), Way("d", "finetune"), Way("d", "distilled"))


def test_a_strange_relation_is_an_unknown_one_and_doubt_goes_along() -> None:
    found = ways(built(("a", "b", "cousin", "contradicted"), ("b", "c", "finetune")))
    assert found == (Way("b", "unknown", contradicted=True), Way("c", "unknown", contradicted=True))


def test_a_deep_lineage_is_walked_and_a_circle_is_refused() -> None:
    names = ["a", *(f"n{number}" for number in range(3000))]
    links = [(low, high, "finetune") for low, high in pairwise(names)]
    assert len(ways(built(*links))) == 3000
    with pytest.raises(LineageCycle):
        ways(built(*links, (names[-1], names[1500], "finetune")))


def test_what_was_only_measured_on_closes_no_circle() -> None:
    assert ways(built(("a", "b", "finetune"), ("b", "a", "evaluated_on"))) == (Way("b", "finetune"),)
