"""Tiny models of random weights for the tasks that have no other maker: masked, tagging, reading, writing, speech."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def make_random_bert_for(folder: Path, task: str, *, labels: tuple[str, ...] = LABELS, seed: int = 0) -> Path:
    """`task` is a part of the class's name: `MaskedLM`, `TokenClassification` or `QuestionAnswering`."""
    import torch
    import transformers

    from tests.factories.tiny_models import make_random_bert

    make_random_bert(folder)
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    named: dict[str, Any] = {}
    if task == "TokenClassification":
        named = {"id2label": dict(enumerate(labels)), "label2id": {name: n for n, name in enumerate(labels)}}
    config = transformers.BertConfig(
        vocab_size=size, max_position_embeddings=128, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, initializer_range=0.3, **named,
    )  # fmt: skip
    torch.manual_seed(seed)
    getattr(transformers, f"BertFor{task}")(config).save_pretrained(folder)
    return folder


def make_random_t5(folder: Path, *, seed: int = 0) -> Path:
    """An encoder-decoder with words for tokens."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    from tests.factories.tiny_models import shipped_texts

    words = sorted({word for text in shipped_texts()[:3] for word in text.split()})[:200]
    vocab = {name: number for number, name in enumerate(["<pad>", "</s>", "<unk>", *words])}
    core = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    core.pre_tokenizer, core.decoder = pre_tokenizers.WhitespaceSplit(), decoders.Metaspace()
    core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="<unk>", pad_token="<pad>", eos_token="</s>", model_max_length=64
    ).save_pretrained(folder)
    config = transformers.T5Config(
        vocab_size=len(vocab), d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2, initializer_factor=4.0,
        decoder_start_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def make_random_wav2vec2(folder: Path, *, seed: int = 0) -> Path:
    """Speech recognition by frames, letters for tokens."""
    import torch
    import transformers

    folder.mkdir(exist_ok=True)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghij"]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(letters)}))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=16_000).save_pretrained(folder)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8), conv_kernel=(10, 8), conv_stride=(20, 16), num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, initializer_range=0.8,
    )  # fmt: skip
    torch.manual_seed(seed)
    transformers.Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder
