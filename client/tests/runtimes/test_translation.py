"""Encoder-decoders, tiny and random, against plain calls of the library: what they write, how likely a target is."""

from __future__ import annotations

import io
import json

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
sentencepiece = pytest.importorskip("sentencepiece")

import smallhub  # noqa: E402
from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors  # noqa: E402

CORPUS = ["the cat sat on the mat", "a dog met a cat on the log", "die Katze sass auf der Matte", "ein Hund"] * 4
TEXTS = ["the cat sat", "a dog met a cat on the log", "mat", ""]
TARGETS = ["die Katze", "ein Hund auf der Matte", "x", ""]
SIZES = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
    "init_std": 0.7,
}  # fmt: skip


@pytest.fixture(scope="module")
def pieces():
    """A sentencepiece model, and its pieces without special ones."""
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=buffer, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    read = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
    names = [read.id_to_piece(number) for number in range(read.get_piece_size())]
    return buffer.getvalue(), [name for name in names if name not in ("<unk>", "<s>", "</s>")]


def save(folder, kind, config, seed=0):
    torch.manual_seed(seed)
    kind(config).save_pretrained(folder)
    return folder


def write_marian(folder, pieces, *, languages=()):
    raw, names = pieces
    vocab = {name: number for number, name in enumerate(["</s>", "<unk>", *languages, *names, "<pad>"])}
    for side in ("source.spm", "target.spm"):
        (folder / side).write_bytes(raw)
    (folder / "vocab.json").write_text(json.dumps(vocab))
    last = len(vocab) - 1
    config = transformers.MarianConfig(
        vocab_size=len(vocab), pad_token_id=last, eos_token_id=0, decoder_start_token_id=last, **SIZES
    )
    return save(folder, transformers.MarianMTModel, config)


def write_m2m(folder, pieces):
    raw, names = pieces
    vocab = {name: number for number, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", *names])}
    (folder / "sentencepiece.bpe.model").write_bytes(raw)
    (folder / "vocab.json").write_text(json.dumps(vocab))
    config = transformers.M2M100Config(vocab_size=len(vocab) + 108, **SIZES)
    return save(folder, transformers.M2M100ForConditionalGeneration, config)


def write_unigram(folder, pieces, kind, **settings):
    """A tokenizer of sentence pieces with languages of its own."""
    scored = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")] + [(name, -3.0) for name in pieces[1]]
    tokenizer = kind(vocab=scored, **settings)
    tokenizer.save_pretrained(folder)
    return tokenizer


def write_mbart(folder, pieces):
    tokenizer = write_unigram(folder, pieces, transformers.MBart50Tokenizer, src_lang="en_XX")
    config = transformers.MBartConfig(
        vocab_size=len(tokenizer), decoder_start_token_id=2, forced_eos_token_id=None, **SIZES
    )
    return save(folder, transformers.MBartForConditionalGeneration, config)


def write_old_mbart(folder, pieces):
    tokenizer = write_unigram(folder, pieces, transformers.MBartTokenizer, src_lang="en_XX")
    config = transformers.MBartConfig(vocab_size=len(tokenizer), forced_eos_token_id=None, **SIZES)
    return save(folder, transformers.MBartForConditionalGeneration, config)


def write_nllb(folder, pieces):
    vocab = {name: number for number, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdehkmnostuHKM"])}
    tokenizer = transformers.NllbTokenizer(vocab=vocab, merges=[])
    tokenizer.save_pretrained(folder)
    config = transformers.M2M100Config(vocab_size=len(tokenizer), **SIZES)
    return save(folder, transformers.M2M100ForConditionalGeneration, config)


def write_fast(folder, specials, *, template, **named):
    """A tokenizer of words with a template around each text."""
    words = sorted({word for line in CORPUS for word in line.split()})
    vocab = {
        name: number for number, name in enumerate([*specials, *words, "translate", "summarize:", "to", "German:"])
    }
    core = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.decoder = decoders.Metaspace()
    pairs = [(name, vocab[name]) for name in specials if name in template]
    core.post_processor = processors.TemplateProcessing(single=template, special_tokens=pairs)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="<unk>", pad_token="<pad>", eos_token="</s>", model_max_length=64, **named
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def write_t5(folder, pieces):
    tokenizer = write_fast(folder, ["<pad>", "</s>", "<unk>"], template="$A </s>")
    config = transformers.T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2, initializer_factor=4.0,
        decoder_start_token_id=0,
    )  # fmt: skip
    save(folder, transformers.T5ForConditionalGeneration, config)
    change(folder, task_specific_params={
        "summarization": {"prefix": "summarize: ", "num_beams": 4},
        "translation_en_to_de": {"prefix": "translate English to German: "},
    })  # fmt: skip
    return folder


def write_bart(folder, pieces):
    tokenizer = write_fast(folder, ["<s>", "<pad>", "</s>", "<unk>"], template="<s> $A </s>", bos_token="<s>")
    config = transformers.BartConfig(vocab_size=len(tokenizer), **SIZES)
    save(folder, transformers.BartForConditionalGeneration, config, seed=3)
    change(folder, forced_bos_token_id=0)
    return folder


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


FAMILIES = {
    "marian": (write_marian, "", "", None),
    "m2m": (write_m2m, "en", "de", "__de__"),
    "mbart": (write_mbart, "en", "de-DE", "de_DE"),
    "old mbart": (write_old_mbart, "en_XX", "de", "de_DE"),
    "nllb": (write_nllb, "en", "de", "deu_Latn"),
    "t5": (write_t5, "en", "de", None),
    "bart": (write_bart, "", "", None),
}


@pytest.fixture(scope="module")
def family(request, tmp_path_factory, pieces):
    write, source, target, token = FAMILIES[request.param]
    return write(tmp_path_factory.mktemp("model"), pieces), source, target, token


@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_translations_and_likelihoods_equal_plain_calls_of_the_library(family):
    folder, source, target, token = family
    model = load(folder)
    network = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    words, start = "", {}
    if token:
        tokenizer.src_lang = next(code for code in ("en", "en_XX", "eng_Latn") if known(tokenizer, code))
        tokenizer.tgt_lang = token.strip("_")
        number = tokenizer.convert_tokens_to_ids(token)
        is_old = network.config.decoder_start_token_id is None
        start = {"decoder_start_token_id": number} if is_old else {"forced_bos_token_id": number}
    if network.config.model_type == "t5":
        words = "translate English to German: "
    if network.config.model_type == "bart":
        start = {"forced_bos_token_id": 0}

    written = model.translate(TEXTS, source=source, target=target, max_new_tokens=6)
    likelihoods = model.conditional_log_likelihood(TEXTS, targets=TARGETS, source=source, target=target)

    for text, found in zip(TEXTS, written, strict=True):
        row = tokenizer([words + text], return_tensors="pt")
        bad = [[network.config.pad_token_id]]
        forced = 1 if "forced_bos_token_id" in start else 0
        ids = network.generate(
            **row, num_beams=1, do_sample=False, max_new_tokens=6 + forced, bad_words_ids=bad, forced_eos_token_id=None,
            **start,
        )  # fmt: skip
        expected = tokenizer.decode(ids[0], skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()
        assert found == expected.removeprefix(token or "")  # Not every tokenizer knows its languages for special.
    assert any(written)
    for text, goal, found in zip(TEXTS, TARGETS, likelihoods, strict=True):
        assert found.log_prob == pytest.approx(by_hand(network, tokenizer, words + text, goal, found.tokens), abs=1e-3)


def known(tokenizer, code):
    return code in getattr(tokenizer, "lang_code_to_token", {}) or code in tokenizer.all_special_tokens


def by_hand(network, tokenizer, text, goal, tokens):
    """Sum of log p of the last tokens of the labels as the library makes them, up to the end token."""
    row = tokenizer([text], text_target=[goal], return_tensors="pt")
    labels = row["labels"]
    with torch.no_grad():
        values = torch.log_softmax(network(**row).logits[0].double(), dim=-1)
    own = values.gather(1, labels[0].unsqueeze(1)).squeeze(1)
    end = labels[0].tolist().index(tokenizer.eos_token_id) + 1
    assert tokens <= end
    return float(own[end - tokens : end].sum())


@pytest.fixture(scope="module")
def marian(tmp_path_factory, pieces):
    return write_marian(tmp_path_factory.mktemp("marian"), pieces)


@pytest.fixture(scope="module")
def t5(tmp_path_factory, pieces):
    return write_t5(tmp_path_factory.mktemp("t5"), pieces)


def test_what_a_family_can_do_is_told_from_its_files(marian, t5):
    found = recognise(marian)

    assert (found.task, found.architecture) == ("text2text-generation", "MarianMTModel")
    assert found.capabilities == {"conditional_log_likelihood", "translate", "tokenize"}
    assert recognise(t5).capabilities == found.capabilities | {"summarize"}
    with pytest.raises(UnsupportedModel) as caught:
        load(marian).summarize(["x"])
    assert caught.value.code == "not_capable"


def test_an_answer_does_not_depend_on_its_neighbours(marian):
    model = load(marian)

    together = model.translate(TEXTS)

    assert together == [model.translate([text])[0] for text in TEXTS]
    assert model.conditional_log_likelihood(TEXTS, targets=TARGETS)[1].log_prob == pytest.approx(
        model.conditional_log_likelihood(TEXTS[1:2], targets=TARGETS[1:2])[0].log_prob, abs=1e-4
    )


def test_the_protocols_limit_follows_from_each_sources_length(marian):
    model = load(marian)

    for text in TEXTS:
        limit = 2 * (len(model.encode(text)) + 1) + 20
        assert model.translate([text]) == model.translate([text], max_new_tokens=limit)


def test_summaries_begin_with_the_words_of_the_models_own_settings(t5):
    model = load(t5)
    network = transformers.T5ForConditionalGeneration.from_pretrained(t5).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(t5)

    found = model.summarize(TEXTS[:1], max_new_tokens=5)

    row = tokenizer(["summarize: " + TEXTS[0]], return_tensors="pt")
    ids = network.generate(**row, num_beams=1, max_new_tokens=5, bad_words_ids=[[0]])
    assert found == [tokenizer.decode(ids[0], skip_special_tokens=True).strip()]


def test_a_language_must_be_named_and_known(tmp_path, pieces, t5):
    several = load(write_marian(tmp_path, pieces, languages=(">>deu<<", ">>fra<<")))

    assert several.description()["languages"] == [">>deu<<", ">>fra<<"]
    assert several.translate(["the cat"], target="de") == several.translate(["the cat"], target="deu")
    for model, arguments, code in (
        (several, {}, "language_needed"),
        (several, {"target": "zh"}, "unknown_language"),
        (load(t5), {"source": "en", "target": "ru"}, "unknown_language"),
    ):
        with pytest.raises(smallhub.Invalid) as caught:
            model.translate(["the cat"], **arguments)
        assert caught.value.code == code


def test_a_tokenizer_without_one_of_its_parts_is_named(tmp_path, pieces):
    folder = write_marian(tmp_path, pieces)
    (folder / "target.spm").unlink()

    with pytest.raises(UnsupportedModel, match=r"target\.spm") as caught:
        recognise(folder)

    assert caught.value.code == "missing_file"


def test_too_long_a_target_is_told_and_too_long_a_source_is_cut(marian):
    model = load(marian)
    long = "the cat sat " * 60

    assert model.translate([long], max_new_tokens=3)
    with pytest.raises(smallhub.Invalid) as caught:
        model.conditional_log_likelihood(["x"], targets=[long])
    assert caught.value.code == "target_too_long"
