"""`transformers` against a running hub: from_pretrained and push_to_hub, in processes of their own."""

from pathlib import Path

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
