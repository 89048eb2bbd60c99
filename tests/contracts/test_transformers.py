"""`transformers` against a running hub: from_pretrained and push_to_hub, in processes of their own."""

import hashlib
from pathlib import Path

import httpx
import pytest

from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import UserFactory, token
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_causal_model_is_pushed_and_loaded_by_name(hub: Hub, tmp_path: Path) -> None:
    require("huggingface_hub", "hf_xet", "torch", "transformers")
    UserFactory(username="ada")
    from accounts.models import User

    secret = token(User.objects.get(username="ada"))
    pushed = client(hub, secret, """
        import torch
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
        torch.manual_seed(0)
        words = {word: number for number, word in enumerate(["<unk>", "<s>", "the", "sea", "is", "deep"])}
        inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
        inner.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", bos_token="<s>")
        config = LlamaConfig(vocab_size=6, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                             num_attention_heads=4, max_position_embeddings=64)
        model = LlamaForCausalLM(config)
        model.push_to_hub("ada/tiny")
        tokenizer.push_to_hub("ada/tiny")
        model.save_pretrained("saved")
        tokenizer.save_pretrained("saved")
        print(json.dumps(float(sum(parameter.double().sum() for parameter in model.parameters()))))
    """, tmp_path / "a")  # fmt: skip

    loaded = client(hub, "", """
        from transformers import AutoModelForCausalLM, AutoTokenizer
        model = AutoModelForCausalLM.from_pretrained("ada/tiny")
        tokenizer = AutoTokenizer.from_pretrained("ada/tiny")
        ids = tokenizer("the sea", return_tensors="pt").input_ids
        print(json.dumps([float(sum(parameter.double().sum() for parameter in model.parameters())), ids.tolist()]))
    """, tmp_path / "b")  # fmt: skip

    assert loaded[0] == pytest.approx(pushed, rel=1e-9)
    assert loaded[1] == [[2, 3]]
    for name in ("model.safetensors", "tokenizer.json"):
        saved = (tmp_path / "a" / "saved" / name).read_bytes()
        assert raw_sha256(hub, f"/ada/tiny/resolve/main/{name}") == hashlib.sha256(saved).hexdigest()


def test_a_classifier_is_pushed_with_its_labels_and_answers_the_same(hub: Hub, tmp_path: Path) -> None:
    require("huggingface_hub", "hf_xet", "torch", "transformers")
    secret = token(UserFactory(username="ada"))
    ask = """
        ids = torch.arange(1, 9).reshape(1, 8)
        logits = model.eval()(input_ids=ids).logits.double().tolist()
        print(json.dumps([logits, model.config.id2label[1]]))
    """

    pushed = client(hub, secret, f"""
        import torch
        from transformers import BertConfig, BertForSequenceClassification
        torch.manual_seed(1)
        config = BertConfig(vocab_size=30, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                            intermediate_size=48, id2label={{0: "bad", 1: "good"}}, label2id={{"bad": 0, "good": 1}})
        model = BertForSequenceClassification(config)
        model.push_to_hub("ada/judge", private=True)
        model.save_pretrained("saved")
        {ask}
    """, tmp_path / "a")  # fmt: skip
    pulled = client(hub, secret, f"""
        import torch
        from transformers import AutoModelForSequenceClassification
        model = AutoModelForSequenceClassification.from_pretrained("ada/judge")
        {ask}
    """, tmp_path / "b")  # fmt: skip

    assert pulled == pushed
    assert pulled[1] == "good"
    saved = (tmp_path / "a" / "saved" / "model.safetensors").read_bytes()
    found = raw_sha256(hub, "/ada/judge/resolve/main/model.safetensors", secret)
    assert found == hashlib.sha256(saved).hexdigest()


def raw_sha256(hub: Hub, address: str, secret: str = "") -> str:
    """The digest of what the hub gives without the client between."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return hashlib.sha256(httpx.get(hub.url + address, headers=headers).raise_for_status().content).hexdigest()
