"""Which models come from which, by sketches: fine-tunes, rounded and frozen ones are found, unrelated ones never."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import safetensors, sketches
from models_registry.formats.sketches import Sketch, Source
from models_registry.lineage.matching import Candidate, Child, choose, is_origin, verdict_on
from tests.factories.weights import drawn, safetensors_of, tuned


def sketch(arrays) -> Sketch:
    raw = safetensors_of(arrays)
    header = safetensors.read_header(io.BytesIO(raw), size_bytes=len(raw))
    return sketches.take([Source(header.tensors, lambda start, stop: raw[start:stop])])


def likeness(child, parent):
    return Child(sketch(child)).compare(sketch(parent))


BASE = drawn(1)


def test_a_copy_is_equal():
    found = likeness(BASE, {f"x.{name}": each for name, each in BASE.items()})
    assert (found.exact, found.near, found.distance, found.how) == (1, 1, 0, "copy")


@pytest.mark.parametrize("share", [0.001, 0.05, 0.2])
def test_what_was_trained_on_is_near_and_told_how_far(share: float):
    found = likeness(tuned(BASE, share=share), BASE)
    assert found.exact == 0
    assert found.near == 1
    assert found.distance == pytest.approx(share, rel=0.2)
    assert (found.how, found.relation, verdict_on(found, "finetune")) == ("tuned", "finetune", "verified")


def test_half_precision_is_a_rounded_form_and_not_the_other_way():
    half = {name: each.astype(np.float16) for name, each in BASE.items()}
    assert likeness(half, BASE).is_rounded
    assert likeness(half, BASE).relation == "quantized"
    assert not likeness(BASE, half).is_rounded


def test_a_new_head_and_more_words_leave_the_rest_recognised():
    child = tuned(BASE) | {"embed.weight": drawn(7)["embed.weight"], "head.weight": drawn(8, {"h": (40, 32)})["h"]}
    found = likeness(child, BASE)
    assert 0.5 < found.near < 0.8
    assert is_origin(found)


def test_a_frozen_part_is_found_and_is_called_that():
    child = drawn(5) | {"embed.weight": BASE["embed.weight"]}
    found = likeness(child, BASE)
    assert found.how == "parts"
    assert found.exact == found.near == pytest.approx(0.29, abs=0.01)
    assert is_origin(found)
    assert verdict_on(found, "finetune") == "verified"


def test_a_named_base_of_the_same_shape_with_other_weights_is_contradicted():
    found = likeness(drawn(2), BASE)
    assert verdict_on(found, "finetune") == verdict_on(found, "quantized") == "contradicted"
    assert verdict_on(found, "distilled") == verdict_on(found, "adapter") == ""


def test_of_weights_that_cannot_be_laid_beside_each_other_nothing_is_said():
    other = drawn(1, {"a": (50, 40), "b": (60, 40), "c": (70, 40)})
    assert verdict_on(likeness(other, BASE), "finetune") == ""


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(0, 2**31), st.sampled_from(["normal", "uniform", "heavy", "shifted"]))
def test_unrelated_models_of_one_architecture_are_never_taken_for_related(first: int, second: int, way: str):
    if first == second:
        second += 1
    shape = {f"layer.{at}": (48, 48) for at in range(12)}

    def weights(seed: int):
        random = np.random.default_rng(seed)
        draw = {
            "normal": lambda size: random.standard_normal(size),
            "uniform": lambda size: random.uniform(-1, 1, size),
            "heavy": lambda size: random.standard_t(2.5, size),
            "shifted": lambda size: 5 + random.standard_normal(size),
        }[way]
        return {name: draw(size).astype(np.float32) for name, size in shape.items()}

    found = likeness(weights(first), weights(second))
    assert found.near == 0
    assert not is_origin(found)
    assert verdict_on(found, "finetune") in {"contradicted", ""}


def candidate(key: int, child, parent, order: float = 0) -> Candidate:
    return Candidate(key, Child(sketch(child)).compare(sketch(parent)), order)


def test_of_several_that_resemble_it_the_nearest_is_the_origin_and_of_copies_the_oldest():
    child = tuned(BASE, seed=3)
    brother = tuned(BASE, seed=4, share=0.1)
    found = choose(
        Child(sketch(child)),
        [candidate(1, child, brother, 0), candidate(2, child, BASE, 5), candidate(3, child, BASE, 4)],
    )
    assert [each.key for each in found] == [3]


def test_beside_a_verified_base_only_a_much_nearer_one_is_told():
    first = tuned(BASE, seed=3, share=0.2)
    child = tuned(first, seed=4, share=0.01)
    brother = tuned(BASE, seed=5, share=0.2)
    verified = [likeness(child, BASE)]
    others = [candidate(1, child, brother), candidate(2, child, first)]
    assert [each.key for each in choose(Child(sketch(child)), others, verified)] == [2]
    assert choose(Child(sketch(child)), others[:1], verified) == []


def test_what_was_put_together_from_two_names_both():
    other = drawn(11)
    names = list(BASE)
    child = {name: (BASE if at < 4 else other)[name] for at, name in enumerate(names)}
    found = choose(Child(sketch(child)), [candidate(1, child, BASE), candidate(2, child, other, 1)])
    assert sorted(each.key for each in found) == [1, 2]
