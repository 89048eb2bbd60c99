"""Transformers models, tiny and random: exact likelihoods, batches, prefixes, blocks, and nothing but data read."""

from __future__ import annotations

import json
import shutil
import socket

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import smallhub  # noqa: E402
from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers  # noqa: E402  # After the check above.
from tokenizers import decoders as token_decoders  # noqa: E402

CORPUS = ["the cat sat on the mat", "a dog met a cat on the log", "dogs and cats and mats", "我 爱 北京"] * 3
TEXTS = ["the cat sat", "a dog", "on the mat and the log and the mat", "北京!"]


def write_tokenizer(folder, specials, *, limit, template=None, **named):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = token_decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    if template:
        first, last = template
        pairs = [(first, tokenizer.token_to_id(first)), (last, tokenizer.token_to_id(last))]
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=pairs)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=limit, **named)
    fast.save_pretrained(folder)
    return fast


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    specials = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    tokenizer = write_tokenizer(folder, specials, limit=64, bos_token="<|im_start|>", eos_token="<|im_end|>")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.3,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt2")
    tokenizer = write_tokenizer(folder, ["<s>", "</s>"], limit=16, bos_token="<s>", eos_token="</s>")
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=16, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=1,
        initializer_range=0.3,
    )  # fmt: skip
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def write_bert(folder, kind, **settings):
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    tokenizer = write_tokenizer(folder, specials, limit=32, template=("[CLS]", "[SEP]"), **named)
    torch.manual_seed(2)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        pad_token_id=0,
        initializer_range=0.3,
        **settings,
    )
    kind(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    labels = {0: "bad", 1: "good", 2: "mixed"}
    folder = tmp_path_factory.mktemp("classifier")
    kind = transformers.BertForSequenceClassification
    return write_bert(folder, kind, id2label=labels, label2id={name: number for number, name in labels.items()})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("encoder"), transformers.BertModel)


@pytest.fixture
def copy(tmp_path):
    """Copy a model, so that a test may change its files."""

    def make(folder, **config):
        target = tmp_path / "copy"
        shutil.copytree(folder, target)
        path = target / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | config))
        return target

    return make


def chain_rule(model, text, prefix_id):
    """Sum of log p(token | all before it), each from a pass of its own over the bare network."""
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(model.encode(text)), model.block_tokens):
            ids = [prefix_id, *model.encode(text)[start : start + model.block_tokens]]
            for place in range(1, len(ids)):
                logits = model.network(input_ids=torch.tensor([ids[:place]])).logits[0, -1]
                total += float(torch.log_softmax(logits.double(), dim=-1)[ids[place]])
    return total


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_log_likelihood_equals_the_chain_rule(request, name):
    model = load(request.getfixturevalue(name))
    prefix_id = model.prefix_token("document_separator")["id"]

    for found, text in zip(model.log_likelihood(TEXTS), TEXTS, strict=True):
        assert found.log_prob == pytest.approx(chain_rule(model, text, prefix_id), abs=1e-3)
        assert found.tokens == len(model.encode(text))


def test_long_texts_are_cut_into_blocks_each_behind_the_prefix(gpt2):
    model = load(gpt2)
    text = " ".join(TEXTS * 4)

    found = model.log_likelihood([text])[0]

    assert model.block_tokens == 16
    assert found.tokens > 3 * 16
    assert found.log_prob == pytest.approx(chain_rule(model, text, 0), abs=1e-2)


def test_the_prefix_rule_decides_what_a_text_is_predicted_from(llama):
    model = load(llama)

    separator, harness = (model.prefix_token(rule) for rule in ("document_separator", "harness"))

    assert (separator["text"], harness["text"]) == ("<|endoftext|>", "<|im_start|>")
    for token, rule in ((separator, "document_separator"), (harness, "harness")):
        found = model.log_likelihood([TEXTS[0]], prefix=rule)[0]
        assert found.log_prob == pytest.approx(chain_rule(model, TEXTS[0], token["id"]), abs=1e-3)
    assert model.description()["prefix_token"] == separator


def test_without_a_separator_the_begin_token_is_the_prefix(gpt2):
    model = load(gpt2)

    assert model.prefix_token("document_separator") == {"text": "<s>", "id": 0, "rule": "document_separator"}


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_padded_batch_equals_each_text_alone(request, name):
    model = load(request.getfixturevalue(name))

    rows = model.next_log_probs(TEXTS)
    together = model.log_likelihood(TEXTS)

    assert rows.dtype == np.float32
    assert np.exp(rows.astype(float)).sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    for number, text in enumerate(TEXTS):
        assert np.abs(rows[number] - model.next_log_probs([text])[0]).max() < 1e-4
        assert together[number].log_prob == pytest.approx(model.log_likelihood([text])[0].log_prob, abs=1e-4)


def test_the_same_call_twice_gives_the_same_bits(llama):
    first, second = load(llama), load(llama)

    assert np.array_equal(first.next_log_probs(TEXTS), second.next_log_probs(TEXTS))
    assert first.log_likelihood(TEXTS) == second.log_likelihood(TEXTS)


def test_the_empty_text_has_probability_one(llama):
    found = load(llama).log_likelihood(["", "the cat"])

    assert (found[0].log_prob, found[0].tokens) == (0.0, 0)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_generation_with_and_without_cache_is_the_same(request, name):
    model = load(request.getfixturevalue(name))

    cached = model.generate("the cat", max_new_tokens=8)

    assert cached == model.generate("the cat", max_new_tokens=8, use_cache=False)
    assert 0 < len(cached.token_ids) <= 8 or cached.finish == "stop"
    assert model.generate("a", temperature=0.9, seed=3) == model.generate("a", temperature=0.9, seed=3)


def test_greedy_generation_takes_the_likeliest_token(llama):
    model = load(llama)
    generation = model.generate("the cat", max_new_tokens=1)

    expected = int(model.next_log_probs(["the cat"])[0].argmax())

    assert generation.token_ids == (expected,) or expected in model._stop_ids


def test_generation_ends_with_the_context_and_too_long_a_prompt_is_told(gpt2):
    model = load(gpt2)
    prompt = "the cat"

    generation = model.generate(prompt, max_new_tokens=1000)

    assert len(generation.token_ids) + generation.prompt_tokens <= 16
    with pytest.raises(smallhub.Invalid, match="context"):
        model.generate(" ".join(TEXTS * 4))


def test_texts_come_back_from_ids(llama):
    model = load(llama)

    for text in [*TEXTS, "tab\tand\nline", "é😀", ""]:
        assert model.decode(model.encode(text)) == text


def test_classification_sums_to_one_and_batches_equal_single_texts(classifier):
    model = load(classifier)
    texts = [*TEXTS, "", "the cat " * 100]

    together = model.classify(texts)

    assert recognise(classifier).task == "text-classification"
    for found, text in zip(together, texts, strict=True):
        assert found.labels == ("bad", "good", "mixed")
        assert sum(found.probabilities) == pytest.approx(1, abs=1e-9)
        assert found.probabilities == pytest.approx(model.classify([text])[0].probabilities, abs=1e-5)
    assert model.description()["labels"] == ["bad", "good", "mixed"]


def test_classification_equals_the_bare_network(classifier):
    model = load(classifier)
    network = transformers.BertForSequenceClassification.from_pretrained(classifier).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(classifier)

    with torch.no_grad():
        logits = network(**tokenizer(TEXTS[0], return_tensors="pt")).logits[0]

    assert model.classify([TEXTS[0]])[0].probabilities == pytest.approx(torch.softmax(logits, -1).tolist(), abs=1e-5)


def write_recipe(folder, pooling, *, normalise, limit=None):
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    if normalise:
        modules.append({"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
    (folder / "1_Pooling").mkdir()
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **pooling}))
    if limit:
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit, "do_lower_case": True}))


def hidden_of(folder, text, limit=None):
    network = transformers.BertModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=limit or 32)
        return network(**inputs).last_hidden_state[0]


def test_embeddings_without_a_recipe_are_the_mean_over_tokens(encoder):
    model = load(encoder)

    vectors = model.embed(TEXTS)

    assert vectors.shape == (4, 32)
    for vector, text in zip(vectors, TEXTS, strict=True):
        assert vector == pytest.approx(hidden_of(encoder, text).mean(0).numpy(), abs=1e-4)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_cls_token": True}, lambda hidden: hidden[0]),
        ({"pooling_mode_max_tokens": True}, lambda hidden: hidden.max(0).values),
        ({"pooling_mode_lasttoken": True}, lambda hidden: hidden[-1]),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, lambda hidden: hidden.sum(0) / len(hidden) ** 0.5),
        ({"pooling_mode": "cls"}, lambda hidden: hidden[0]),
        (
            {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
            lambda hidden: torch.cat([hidden[0], hidden.mean(0)]),
        ),
    ],
)
def test_pooling_follows_the_models_own_files(encoder, copy, pooling, expected):
    folder = copy(encoder)
    write_recipe(folder, pooling, normalise=False)

    vectors = load(folder).embed(TEXTS)

    for vector, text in zip(vectors, TEXTS, strict=True):
        assert vector == pytest.approx(expected(hidden_of(encoder, text)).numpy(), abs=1e-4)


def test_normalised_embeddings_have_length_one_and_the_limit_holds(encoder, copy):
    folder = copy(encoder)
    write_recipe(folder, {"pooling_mode_mean_tokens": True}, normalise=True, limit=5)
    model = load(folder)
    text = "THE cat sat on the mat and the log"

    vector = model.embed([text])[0]

    expected = hidden_of(encoder, text.lower(), limit=5).mean(0)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert vector == pytest.approx((expected / expected.norm()).numpy(), abs=1e-4)
    assert model.description()["normalised"] is True


def test_an_unknown_step_is_refused(encoder, copy):
    folder = copy(encoder)
    write_recipe(folder, {"pooling_mode_mean_tokens": True}, normalise=False)
    steps = json.loads((folder / "modules.json").read_text())
    steps.append({"idx": 2, "path": "2_CNN", "type": "sentence_transformers.models.CNN"})
    (folder / "modules.json").write_text(json.dumps(steps))

    with pytest.raises(UnsupportedModel) as caught:
        load(folder)

    assert caught.value.code == "unsupported_module"


def test_code_in_a_repository_is_never_run_nor_fetched(llama, copy, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w').write('ran')\n"
    auto = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    folder = copy(
        llama,
        auto_map=auto,
        _attn_implementation_internal="somebody/kernel",
        attn_implementation="somebody/kernel",
        _name_or_path="somebody/else",
        unknown_key={"auto_map": auto},
    )
    for name in ("evil.py", "torch.py", "sitecustomize.py", "modeling_llama.py"):
        (folder / name).write_text(code)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "somebody/else"}))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["auto_map"] = {"AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    packets = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: packets.append(address))
    monkeypatch.chdir(folder)

    model = load(folder)

    assert model.log_likelihood(TEXTS) == load(llama).log_likelihood(TEXTS)
    assert not canary.exists()
    assert packets == []


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pickle_only(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_tokenizer(folder):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def pickle_in_disguise(folder):
    (folder / "model.safetensors").write_bytes(b"\x80\x04cos\nsystem\n(S'touch x'\ntR." + b"\0" * 100)


def change_config(**changes):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (truncate, "broken_weights"),
        (pickle_only, "pickle_weights"),
        (pickle_in_disguise, "broken_weights"),
        (no_tokenizer, "no_tokenizer"),
        (lambda folder: (folder / "config.json").write_text("["), "broken_json"),
        (lambda folder: (folder / "config.json").unlink(), "missing_file"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no_weights"),
        (change_config(model_type="nonsense"), "unsupported_architecture"),
        (change_config(architectures=["LlamaForEverything"]), "unsupported_architecture"),
        (change_config(architectures=["GPT2LMHeadModel"]), "unsupported_architecture"),
        (change_config(architectures=None), "no_architecture"),
        (change_config(quantization_config={"quant_method": "x"}), "quantised"),
        (change_config(num_hidden_layers=3), "missing_weights"),
        (change_config(vocab_size=100), None),
        (change_config(hidden_size="many"), "broken_config"),
    ],
)
def test_what_cannot_be_loaded_safely_is_refused_with_a_reason(llama, copy, damage, code):
    folder = copy(llama)
    damage(folder)

    with pytest.raises(UnsupportedModel) as caught:
        load(folder)

    assert code is None or caught.value.code == code
    assert len(str(caught.value)) < 400


def test_weights_that_are_no_numbers_are_refused(llama, copy):
    from safetensors.torch import load_file, save_file

    folder = copy(llama)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] = float("inf")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(UnsupportedModel, match="NaN or infinity"):
        load(folder)


def test_sharded_and_half_precision_weights_load(llama, tmp_path):
    network = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.bfloat16)
    network.save_pretrained(tmp_path, max_shard_size="20KB")
    for path in llama.glob("tokenizer*"):
        shutil.copy(path, tmp_path)

    model = load(tmp_path)

    assert (tmp_path / "model.safetensors.index.json").exists()
    assert model.description()["stored_dtypes"] == ["BF16"]
    assert next(model.network.parameters()).dtype == torch.float32
    (next(tmp_path.glob("model-00002*"))).unlink()
    with pytest.raises(UnsupportedModel) as caught:
        load(tmp_path)
    assert caught.value.code == "missing_shard"


def test_a_task_the_model_lacks_is_refused(classifier, llama):
    with pytest.raises(UnsupportedModel) as caught:
        load(classifier).generate("x")
    assert caught.value.code == "not_capable"
    with pytest.raises(UnsupportedModel):
        load(llama).classify(["x"])


@pytest.mark.parametrize("name", ["llama", "gpt2", "classifier", "encoder"])
def test_descriptions_are_json_with_the_agreed_facts(request, name):
    facts = load(request.getfixturevalue(name), threads=1).description()

    json.dumps(facts)
    agreed = {"architecture", "parameters", "context_length", "vocabulary_size", "labels", "prefix_token", "dtype"}
    assert agreed <= set(facts)
    assert facts["context_length"] == {"llama": 64, "gpt2": 16}.get(name, 32)


def test_recognising_imports_nothing_heavy(llama, tmp_path):
    import subprocess
    import sys

    script = f"""
import sys
from pathlib import Path
from smallhub.runtimes import recognise
print(recognise(Path({str(llama)!r})).architecture)
print([name for name in ("torch", "numpy", "transformers", "httpx") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["LlamaForCausalLM", "[]"]
