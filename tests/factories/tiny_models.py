"""Really tiny models, made on the spot: random transformers, and an n-gram trained on the text the product ships."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

SUITES = Path(__file__).resolve().parents[2] / "evaluation" / "suites" / "core"


def shipped_texts(suite: str = "core-text-en", split: str = "train") -> list[str]:
    """Texts of a running-text suite."""
    lines = (SUITES / suite / "data" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def make_random_gpt2(folder: Path, *, seed: int = 0) -> Path:
    """A causal language model of 150,000 random weights, with a byte-level tokenizer of 600 tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    end = "<|endoftext|>"
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=[end], initial_alphabet=alphabet, show_progress=False)
    core.train_from_iterator(shipped_texts(), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token=end, eos_token=end, pad_token=end)
    torch.manual_seed(seed)
    config = GPT2Config(vocab_size=600, n_positions=256, n_embd=64, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_random_bert(folder: Path, *, labels: Sequence[str] = (), seed: int = 0) -> Path:
    """A classifier with `labels`, or without them a sentence encoder, of 40,000 random weights."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

    core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    core.train_from_iterator(
        shipped_texts(), trainers.WordPieceTrainer(vocab_size=800, special_tokens=special, show_progress=False)
    )
    vocabulary = core.get_vocab()
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=128, **sizes)
    torch.manual_seed(seed)
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
        BertForSequenceClassification(config).save_pretrained(folder)
    else:
        BertModel(config).save_pretrained(folder)
    BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    return folder


def make_ngram(folder: Path, *, unit: str = "byte", order: int = 5) -> Path:
    """An n-gram model trained on the English running text that the product ships."""
    from smallhub.runtimes import ngram

    ngram.train(shipped_texts(), unit=unit, order=order).save(folder)  # type: ignore[arg-type]
    return folder
