"""Scoring in shared rows and in one pass gives what a plain loop over single tokens gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from smallhub import runtimes
from smallhub._exceptions import Invalid

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from smallhub.runtimes import _scoring  # noqa: E402 - needs torch
from smallhub.runtimes._scoring import Asked, PackedScorer  # noqa: E402

SIZE = 90


def gpt2(**changes: Any) -> Any:
    torch.manual_seed(3)
    sizes = {"n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=SIZE, **sizes | changes)).eval()


def llama() -> Any:
    torch.manual_seed(3)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(vocab_size=SIZE, max_position_embeddings=64, **sizes)
    ).eval()


def mamba() -> Any:
    torch.manual_seed(3)
    config = transformers.MambaConfig(vocab_size=SIZE, hidden_size=32, num_hidden_layers=2, state_size=4)
    return transformers.MambaForCausalLM(config).eval()


def draw(length: int, seed: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(int(number) for number in torch.randint(0, SIZE, (length,), generator=generator))


def plainly(network: Any, one: Asked) -> tuple[float, bool]:
    """The definition: one sequence, all logits, one token after the other."""
    with torch.inference_mode():
        logits = network(input_ids=torch.tensor([one.ids[:-1]])).logits[0].double()
    total, is_greedy = 0.0, True
    for place in range(one.start, len(one.ids)):
        row = torch.log_softmax(logits[place - 1], dim=-1)
        total += float(row[one.ids[place]])
        is_greedy = is_greedy and int(row.argmax()) == one.ids[place]
    return total, is_greedy


def questions() -> list[Asked]:
    """Options behind contexts, pairs of sentences, long texts, one asked twice, a single token."""
    asked = []
    for number in range(6):
        context = draw(5 + 4 * number, number)
        asked += [Asked(context + draw(1 + option, 100 * number + option), len(context)) for option in range(4)]
    pair = draw(7, 50)
    asked += [Asked(pair + draw(3, 51), 1), Asked(pair + draw(5, 52), 1), Asked(draw(40, 53), 1), Asked(draw(2, 54), 1)]
    return [*asked, asked[0]]


@pytest.mark.parametrize("make", [gpt2, llama, mamba])
def test_packed_scores_are_those_of_a_plain_loop(make: Any) -> None:
    network, asked = make(), questions()

    found = PackedScorer(network).score(asked)

    for one, answer in zip(asked, found, strict=True):
        log_prob, is_greedy = plainly(network, one)
        assert answer.log_prob == pytest.approx(log_prob, abs=1e-4)
        assert answer.is_greedy == is_greedy
    assert found[0] == found[-1]


def test_what_begins_alike_is_computed_once() -> None:
    network = gpt2()
    contexts = [draw(20, seed) for seed in range(5)]
    asked = [Asked(context + draw(4, 10 * n + 1000), 20) for context in contexts for n in range(4)]
    seen: list[int] = []
    network.transformer.wte.register_forward_pre_hook(lambda module, given: seen.append(given[0].numel()))
    scorer = PackedScorer(network)
    assert scorer.shares_beginnings
    seen.clear()

    scorer.score(asked)

    assert sum(seen) == 5 * (20 + 4 * 3)


def test_a_network_that_carries_a_state_is_not_asked_side_by_side() -> None:
    assert PackedScorer(gpt2()).shares_beginnings
    assert not PackedScorer(mamba()).shares_beginnings


def test_only_the_places_that_are_asked_for_reach_the_output_layer() -> None:
    network = llama()
    heights: list[int] = []
    network.lm_head.register_forward_hook(lambda module, given, out: heights.append(out.shape[1]))
    scorer = PackedScorer(network)
    scorer._may_share = True

    scorer.score([Asked(draw(30, 1), 28), Asked(draw(31, 2), 30)])

    assert heights == [3]


def test_batches_keep_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scoring, "MAX_TOKENS", 40)
    network = gpt2()
    shapes: list[Sequence[int]] = []
    network.transformer.wte.register_forward_pre_hook(lambda module, given: shapes.append(given[0].shape))
    asked = [Asked(draw(12, seed), 1) for seed in range(9)]

    found = PackedScorer(network).score(asked)

    assert all(rows * length <= 40 for rows, length in shapes)
    assert [answer.log_prob for answer in found] == pytest.approx([plainly(network, one)[0] for one in asked], abs=1e-4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("model")
    letters = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    core = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    end = letters[0]
    transformers.PreTrainedTokenizerFast(tokenizer_object=core, bos_token=end, eos_token=end).save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.GPT2Config(vocab_size=len(letters), n_positions=24, n_embd=16, n_layer=1, n_head=2)
    config.bos_token_id = config.eos_token_id = 0
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return runtimes.load(Path(folder), threads=1)


def test_a_continuation_is_scored_behind_its_context(model: Any) -> None:
    found = model.continuation_log_likelihood(["A cat ", ""], continuations=["sat", "sat"])

    whole = Asked(tuple(model.encode("A cat sat")), len("A cat"))
    assert found[0].log_prob == pytest.approx(plainly(model.network, whole)[0], abs=1e-4)
    assert (found[0].tokens, found[0].is_merged, found[0].cut_tokens) == (4, False, 0)
    assert found[1].log_prob == pytest.approx(model.log_likelihood(["sat"])[0].log_prob, abs=1e-4)


def test_a_context_that_does_not_fit_loses_its_beginning(model: Any) -> None:
    (found,) = model.continuation_log_likelihood(["x" * 30], continuations=[" y"])

    kept = Asked((*model.encode("x" * 23), *model.encode(" y")), 23)
    assert found.cut_tokens == 7
    assert found.log_prob == pytest.approx(plainly(model.network, kept)[0], abs=1e-4)


def test_rolling_windows_go_on_from_what_comes_before(model: Any) -> None:
    text = "abcdefghijklmnopqrstuvwxyz and more of it, again"
    ids = model.encode(text)
    windows = [Asked((0, *ids[:24]), 1), Asked(tuple(ids[len(ids) - 25 :]), 49 - len(ids))]
    assert len(ids) == 48

    (found,) = model.rolling_log_likelihood([text])

    assert found.log_prob == pytest.approx(math.fsum(plainly(model.network, one)[0] for one in windows), abs=1e-4)
    assert found.tokens == 48


def test_going_on_with_many_texts_is_going_on_with_each(model: Any) -> None:
    texts = ["one", "a longer text", "x"]

    together = model.continue_greedily(texts, max_new_tokens=4)

    assert together == [model.generate(text, max_new_tokens=4) for text in texts]


def test_a_prompt_that_fills_the_context_is_refused_alone(model: Any) -> None:
    with pytest.raises(Invalid) as caught:
        model.generate("x" * 24)

    assert caught.value.code == "prompt_too_long"


def test_of_many_prompts_one_that_leaves_no_room_loses_its_beginning(model: Any) -> None:
    text = "abcdefghijklmnopqrstuvwxyz and more of it"
    kept = model.decode(model.encode(text)[-18:])

    short, long = model.continue_greedily(["a", text], max_new_tokens=4)
    (longer,) = model.continue_greedily([text], max_new_tokens=6)

    assert (short.cut_tokens, long.cut_tokens, long.prompt_tokens) == (0, len(model.encode(text)) - 18, 18)
    assert replace(long, cut_tokens=0) == model.generate(kept, max_new_tokens=4)
    assert longer.token_ids[: len(long.token_ids)] == long.token_ids


def test_a_text_may_end_behind_its_stop(model: Any) -> None:
    (whole,) = model.continue_greedily(["one"], max_new_tokens=20)
    stop = whole.text.strip()[3:4]

    (ended,) = model.continue_greedily(["one"], max_new_tokens=20, stops=[stop])

    assert whole.text.startswith(ended.text)
    assert stop in ended.text
    assert len(ended.token_ids) == 8 or len(whole.token_ids) < 8


def test_a_network_that_refuses_the_mask_is_not_asked_side_by_side() -> None:
    network = gpt2()

    def refuses(**given: Any) -> Any:
        if "position_ids" in given:
            raise TypeError("no such argument")
        return plain(**given)

    plain, network.forward = network.forward, refuses

    assert not PackedScorer(network).shares_beginnings


@pytest.mark.parametrize("fault", [ValueError, IndexError, AttributeError, RuntimeError])
def test_a_fault_of_ours_is_not_taken_for_the_networks(monkeypatch: pytest.MonkeyPatch, fault: type[Exception]) -> None:
    def breaks(*given: Any) -> Any:
        raise fault("a slip in our own code")

    monkeypatch.setattr(_scoring, "_masks", breaks)

    with pytest.raises(fault, match="slip"):
        _ = PackedScorer(gpt2()).shares_beginnings


def test_memory_that_ran_out_says_nothing_of_the_network() -> None:
    network = gpt2()

    def is_full(**given: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    network.forward = is_full

    with pytest.raises(RuntimeError, match="allocate"):
        _ = PackedScorer(network).shares_beginnings


def test_gradients_that_a_network_has_not_are_none_and_a_fault_of_ours_surfaces() -> None:
    from smallhub.runtimes._library import TransformersModel

    class Tokenizer:
        mask_token_id, unk_token_id, pad_token_id = None, None, 0

    model = TransformersModel.__new__(TransformersModel)
    model.network, model.tokenizer = gpt2(), Tokenizer()

    def by_ids(points: Any) -> Any:  # The answer does not come from the embeddings.
        return model.network(input_ids=torch.tensor([[1, 2]] * len(points))).logits[:, -1, 3]

    def by_embeddings(points: Any) -> Any:
        return model.network(inputs_embeds=points).logits[:, -1, 3]

    def slips(points: Any) -> Any:
        return by_embeddings(points)[:, 99]

    expected = float(by_embeddings(model.network.get_input_embeddings()(torch.tensor([[1, 2]])))[0])
    assert model.attributed([1, 2], [True, True], by_ids, expected=0.0) is None
    assert model.attributed([1, 2], [True, True], by_embeddings, expected=expected) is not None
    with pytest.raises(IndexError):
        model.attributed([1, 2], [True, True], slips, expected=expected)


def test_of_tokens_equally_likely_the_first_is_the_greedy_one() -> None:
    network = llama()
    with torch.no_grad():
        network.lm_head.weight.fill_(0.0)

    first, second = PackedScorer(network).score([Asked((5, 9, 0), 2), Asked((5, 9, 1), 2)])

    assert first.log_prob == second.log_prob == pytest.approx(-math.log(SIZE))
    assert (first.is_greedy, second.is_greedy) == (True, False)
