"""Sentence encoders with more than pooling: dense layers, a prompt before each text."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import save_file  # noqa: E402
from smallhub.runtimes import UnsupportedModel, load  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

MODULES = ["Transformer", "Pooling", "Dense", "Normalize"]


@pytest.fixture
def folder(tmp_path):
    vocab = {name: number for number, name in enumerate(["[PAD]", "[UNK]", "the", "cat", "query:"])}
    core = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=core, **named).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    steps = [
        {"idx": number, "path": f"{number}_{kind}" if number else "", "type": f"sentence_transformers.models.{kind}"}
        for number, kind in enumerate(MODULES)
    ]
    (tmp_path / "modules.json").write_text(json.dumps(steps))
    for name in ("1_Pooling", "2_Dense"):
        (tmp_path / name).mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    settings = {"in_features": 16, "out_features": 8, "bias": True, "activation_function": "torch.nn.ReLU"}
    (tmp_path / "2_Dense" / "config.json").write_text(json.dumps(settings))
    tensors = {"linear.weight": torch.randn(8, 16), "linear.bias": torch.randn(8)}
    save_file(tensors, tmp_path / "2_Dense" / "model.safetensors")
    return tmp_path


def test_a_dense_layer_and_a_default_prompt_follow_the_models_own_files(folder):
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    model = load(folder)

    vector = model.embed(["the cat"])[0]

    with torch.no_grad():
        hidden = model.network(input_ids=torch.tensor([[4, 2, 3]])).last_hidden_state[0].mean(0)
    (dense,) = model.recipe.dense
    expected = torch.relu(dense.weight @ hidden + dense.bias)
    assert vector == pytest.approx((expected / expected.norm()).numpy(), abs=1e-4)
    assert (model.description()["dimension"], model.description()["prompt"]) == (8, "query: ")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda dense: (dense / "model.safetensors").rename(dense / "pytorch_model.bin"), "pickle_weights"),
        (
            lambda dense: (dense / "config.json").write_text('{"activation_function": "os.system"}'),
            "unsupported_module",
        ),
        (lambda dense: (dense / "config.json").write_text('{"in_features": 4, "out_features": 8}'), "broken_weights"),
    ],
)
def test_a_dense_layer_that_cannot_be_read_is_refused(folder, change, code):
    change(folder / "2_Dense")

    with pytest.raises(UnsupportedModel) as caught:
        load(folder)

    assert caught.value.code == code
