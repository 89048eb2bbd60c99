"""Texts that go on side by side say, token for token, what each says alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from smallhub.runtimes import _continuing  # noqa: E402 - needs torch
from smallhub.runtimes._causal import _holds  # noqa: E402
from smallhub.runtimes._continuing import Continuer, Row  # noqa: E402

from .test_scoring import SIZE, draw, gpt2, llama, mamba  # noqa: E402

TINY = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def sharpened(network: Any) -> Any:
    """Larger weights: a network of small random ones has hardly any favourite."""
    with torch.no_grad():
        for weights in network.parameters():
            if weights.ndim == 2:
                weights.mul_(5)
    return network


def mistral() -> Any:
    torch.manual_seed(5)
    config = transformers.MistralConfig(vocab_size=SIZE, num_key_value_heads=2, sliding_window=8, **TINY)
    return transformers.MistralForCausalLM(config).eval()


def bloom() -> Any:
    torch.manual_seed(5)
    return transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=SIZE, hidden_size=32, n_layer=2, n_head=4)
    ).eval()


def alone(network: Any, row: Row, ends: frozenset[int]) -> tuple[list[int], bool]:
    """The definition: one text, everything computed anew for each token."""
    new: list[int] = []
    with torch.inference_mode():
        while len(new) < row.limit:
            chosen = int(network(input_ids=torch.tensor([[*row.ids, *new]]), use_cache=False).logits[0, -1].argmax())
            if chosen in ends:
                return new, True
            new.append(chosen)
    return new, False


def rows_of(*lengths: int, limit: int = 12) -> list[Row]:
    return [Row(list(draw(length, seed)), limit - seed % 3) for seed, length in enumerate(lengths)]


@pytest.mark.parametrize(
    ("make", "padding"),
    [(gpt2, "front"), (llama, "front"), (mistral, "front"), (bloom, "front"), (mamba, "alone")],
)
def test_rows_of_any_length_say_what_each_says_alone(make: Any, padding: str) -> None:
    network = sharpened(make())
    rows = rows_of(1, 9, 4, 4, 17, 2, 30, 9)
    ends = frozenset({7, 11, 30, 31, 32})
    continuer = Continuer(network)

    continuer.go_on(rows, ends=ends)

    assert continuer.padding == padding
    assert padding == "alone" or not any(row.is_close for row in rows)
    for row in rows:
        assert row.is_close or (row.new, row.has_ended) == alone(network, row, ends)


def test_without_padding_only_texts_of_one_length_share_a_batch() -> None:
    network = sharpened(llama())
    shapes = watched(network)
    continuer = Continuer(network)
    continuer._padding = "none"
    rows = rows_of(5, 8, 5, 8, 8)

    continuer.go_on(rows, ends=frozenset())

    assert {shape for shape in shapes if shape[1] > 1} == {(2, 5), (3, 8)}
    for row in rows:
        assert (row.new, row.has_ended) == alone(network, row, frozenset())


def test_rows_that_have_ended_leave_the_batch() -> None:
    network = sharpened(gpt2())
    rows = [Row(list(draw(6, seed)), 2 if seed < 6 else 9) for seed in range(8)]
    continuer = Continuer(network)
    assert continuer.padding == "front"
    shapes = watched(network)

    continuer.go_on(rows, ends=frozenset())

    assert [shape[0] for shape in shapes] == [8, 8, *[2] * 7]
    for row in rows:
        assert row.new == alone(network, row, frozenset())[0]


def test_a_row_that_fills_the_context_leaves_before_the_others_go_on() -> None:
    network = sharpened(gpt2())
    room = network.config.n_positions
    lengths = [room - 4, *[room - 12] * 11]  # So few that are done would stay for company.
    rows = [Row(list(draw(length, seed)), room - length) for seed, length in enumerate(lengths)]

    Continuer(network).go_on(rows, ends=frozenset())

    assert [len(row.new) for row in rows if not row.is_close] == [row.limit for row in rows if not row.is_close]
    assert all(row.is_close or row.new == alone(network, row, frozenset())[0] for row in rows)


def test_batches_keep_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    network = sharpened(gpt2())
    continuer = Continuer(network)
    assert continuer.padding == "front"
    shapes = watched(network)
    monkeypatch.setattr(_continuing, "MAX_TOKENS", 45)

    continuer.go_on(rows_of(*[8] * 9, limit=10), ends=frozenset())

    assert max(rows for rows, _ in shapes) == 2
    monkeypatch.setattr(_continuing, "MAX_CACHE_BYTES", 20 * continuer._bytes)
    shapes.clear()
    continuer.go_on(rows_of(*[8] * 3, limit=10), ends=frozenset())
    assert {rows for rows, _ in shapes} == {1}


def test_two_tokens_too_close_to_tell_are_left_to_the_text_alone() -> None:
    network = sharpened(gpt2())
    with torch.no_grad():  # The likeliest are two tokens of equal weights, or all the others, which have none.
        network.lm_head.weight[: SIZE - 2] = 0.0
        network.lm_head.weight[SIZE - 2] = network.lm_head.weight[SIZE - 1]
    rows = rows_of(3, 5)
    broken = sharpened(gpt2())
    with torch.no_grad():
        broken.transformer.wte.weight.fill_(torch.nan)
    lost = rows_of(3)

    for asked, given in ((network, rows), (broken, lost)):
        continuer = Continuer(asked)
        continuer._padding = "front"
        continuer.go_on(given, ends=frozenset())

    assert all(row.is_close and not row.new for row in [*rows, *lost])


def watched(network: Any) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    network.get_input_embeddings().register_forward_pre_hook(lambda module, given: shapes.append(tuple(given[0].shape)))
    return shapes


@pytest.mark.parametrize(
    ("text", "stops", "is_settled"),
    [
        ("\n\n  return", ["\n"], False),
        ("one\n", ["\n"], True),
        ("one\ndef", ["\ndef", "\nclass"], False),  # Only with as much behind it as the longest stop is it the first.
        ("one\ndef f", ["\ndef", "\nclass"], True),
        ("xab", ["ab", "xabc"], False),
        ("one\n\ufffd\ufffd\ufffd", ["\nd", "\nxy"], False),
        ("", ["\n"], False),
    ],
)
def test_a_text_ends_when_its_first_stop_is_known(text: str, stops: Sequence[str], is_settled: bool) -> None:
    assert _holds(text, stops) is is_settled


def test_a_fault_of_ours_is_not_taken_for_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*given: Any) -> Any:
        raise IndexError("a slip in our own code")

    monkeypatch.setattr(_continuing._State, "read", breaks)

    with pytest.raises(IndexError, match="slip"):
        _ = Continuer(gpt2()).padding
