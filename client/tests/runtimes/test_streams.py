"""Batches in streams side by side give the numbers that one stream gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from smallhub.runtimes._continuing import MAX_BEHIND, Continuer, Row  # noqa: E402 - needs torch
from smallhub.runtimes._scoring import Asked, PackedScorer  # noqa: E402
from smallhub.runtimes._streams import Streams  # noqa: E402

from .test_scoring import draw, gpt2, llama, mamba, plainly  # noqa: E402


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_work_is_shared_out_and_answers_keep_their_order() -> None:
    network = gpt2()
    seen: dict[int, set[Any]] = {}

    def work(mine: Any, batch: int) -> int:
        seen.setdefault(id(mine), set()).add((threading.get_ident(), torch.get_num_threads()))
        return 10 * batch

    assert Streams(network).run(work, list(range(7))) == [10 * number for number in range(7)]
    assert len(seen) == 2
    assert [len(used) for used in seen.values()] == [1, 1]
    assert {count for used in seen.values() for _, count in used} == {1}
    assert torch.get_num_threads() == 2


def test_a_twin_has_the_same_weights_and_its_own_state() -> None:
    network = llama()
    networks: list[Any] = []

    Streams(network).run(lambda mine, batch: networks.append(mine), [0, 1])

    one, other = sorted(networks, key=lambda found: found is not network)
    assert one is network
    assert other is not network
    assert other.lm_head.weight is network.lm_head.weight
    assert other.lm_head._forward_pre_hooks is not network.lm_head._forward_pre_hooks


def test_a_network_that_cannot_be_copied_has_one_stream() -> None:
    network = gpt2()
    network.lock = threading.Lock()
    used: set[int] = set()

    Streams(network).run(lambda mine, batch: used.add(id(mine)), [0, 1, 2])

    assert used == {id(network)}


def test_a_failure_in_a_stream_surfaces_and_the_threads_are_put_back() -> None:
    def work(mine: Any, batch: int) -> None:
        raise ValueError(f"batch {batch}")

    with pytest.raises(ValueError, match="batch"):
        Streams(gpt2()).run(work, [0, 1])
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("make", [gpt2, llama, mamba])
def test_scores_are_the_same_to_the_bit_in_one_stream_and_in_two(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smallhub.runtimes._scoring.MAX_TOKENS", 48)
    asked = [Asked(draw(20 + seed % 9, seed), 1 + seed % 5) for seed in range(24)]

    two = PackedScorer(make()).score(asked)
    torch.set_num_threads(1)
    one = PackedScorer(make()).score(asked)

    assert one == two


@pytest.mark.parametrize("make", [gpt2, llama, mamba])
def test_what_is_asked_behind_texts_that_were_read_is_what_it_is_alone(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smallhub.runtimes._continuing.READ_TOKENS", 48)
    network = make()
    continuer = Continuer(network)
    contexts = [draw(3 + seed, seed) for seed in range(9)]
    tails = [draw(1 + place % 4, 90 + place) for place in range(9)]
    asked = [Asked((*context, *tail), len(context)) for context, tail in zip(contexts, tails, strict=True)]
    other = Asked(draw(12, 70), 4)
    long = Asked((*contexts[0], *draw(MAX_BEHIND + 1, 71)), 3)
    rows = [Row(list(context), 1) for context in contexts]
    for row, one in zip(rows, asked, strict=True):
        if row.ids == list(contexts[4]):
            best = int(network(input_ids=torch.tensor([row.ids])).logits[0, -1].argmax())
            asked[4] = Asked((*one.ids[: one.start], best), one.start)  # One that is said as well.

    continuer.go_on(rows, ends=frozenset())
    found = continuer.behind([*asked, other, long])

    assert set(found) == (set() if make is mamba else set(asked))
    assert make is mamba or found[asked[4]].is_greedy
    for one, answer in found.items():
        expected, is_greedy = plainly(network, one)
        assert answer.log_prob == pytest.approx(expected, abs=1e-4)
        assert answer.is_greedy is is_greedy
    assert continuer.behind(asked) == {}


def test_a_text_that_nearly_fills_the_context_is_asked_beside_shorter_ones() -> None:
    network = gpt2()
    room = network.config.n_positions
    contexts = [draw(room - 1, 1), draw(room - 9, 2)]
    asked = [Asked((*contexts[0], *draw(1, 3)), room - 1), Asked((*contexts[1], *draw(9, 4)), room - 9)]
    continuer = Continuer(network)

    continuer.go_on([Row(list(context), 1) for context in contexts], ends=frozenset())
    found = continuer.behind(asked)

    for one in asked:
        expected, is_greedy = plainly(network, one)
        assert found[one].log_prob == pytest.approx(expected, abs=1e-4)
        assert found[one].is_greedy is is_greedy
