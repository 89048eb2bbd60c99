"""Masked models, taggers and readers, tiny and random, against plain calls of the library."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

CORPUS = ["the cat sat on the mat", "a dog met a cat on the log", "dogs and cats and mats", "北京是首都"] * 3
TEXTS = ["the cat sat", "a dog met a cat on the log", "mats!", ""]
SENTENCES = [["The", "cats", "sat"], ["a", "dog", "met", "dogmatism"], [], ["北京", "\u200b", "cat"]]
LABELS = ["O", "B-PER", "I-PER", "B-LOC"]
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "initializer_range": 0.5,
}  # fmt: skip


def write_bert(folder, kind, *, limit=32, **settings):
    core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    core.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=90, special_tokens=special, show_progress=False)
    )
    tokenizer = transformers.BertTokenizerFast(vocab=core.get_vocab(), model_max_length=limit)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=len(tokenizer), max_position_embeddings=limit, **SIZES, **settings)
    kind(config).save_pretrained(folder)
    return folder


def write_roberta(folder, kind, *, limit=32, **settings):
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(CORPUS, trainer)
    core.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer = transformers.RobertaTokenizerFast(tokenizer_object=core, model_max_length=limit)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=limit + 2, **SIZES, **settings
    )
    kind(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("masked"), transformers.BertForMaskedLM)


def named():
    return {"id2label": dict(enumerate(LABELS)), "label2id": {name: number for number, name in enumerate(LABELS)}}


TAGGERS = {
    "bert": (write_bert, "BertForTokenClassification"),
    "roberta": (write_roberta, "RobertaForTokenClassification"),
}
READERS = {
    "bert": (write_bert, "BertForQuestionAnswering"),
    "roberta": (write_roberta, "RobertaForQuestionAnswering"),
}


@pytest.fixture(scope="module")
def tagger(request, tmp_path_factory):
    write, kind = TAGGERS[request.param]
    return write(tmp_path_factory.mktemp("tagger"), getattr(transformers, kind), **named())


@pytest.fixture(scope="module")
def reader(request, tmp_path_factory):
    write, kind = READERS[request.param]
    return write(tmp_path_factory.mktemp("reader"), getattr(transformers, kind), limit=64)


def test_pseudo_likelihood_hides_one_token_at_a_time(masked):
    model = load(masked)
    network = transformers.BertForMaskedLM.from_pretrained(masked).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(masked)

    found = model.pseudo_log_likelihood(TEXTS)

    assert recognise(masked).task == "fill-mask"
    for text, row in zip(TEXTS, found, strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        total = 0.0
        for place in range(1, ids.shape[1] - 1):
            hidden = ids.clone()
            hidden[0, place] = tokenizer.mask_token_id
            with torch.no_grad():
                total += float(torch.log_softmax(network(hidden).logits[0, place].double(), -1)[ids[0, place]])
        assert row.log_prob == pytest.approx(total, abs=1e-3)
        assert row.tokens == ids.shape[1] - 2
    assert found[2].unknown == 1


def test_long_texts_are_scored_in_blocks_that_hold_each_token_once(masked):
    model = load(masked)
    text = " ".join(TEXTS[1:2] * 12)
    ids = model.encode(text)
    room = 32 - 2

    (whole,) = model.pseudo_log_likelihood([text])
    blocks = [ids[start : start + room] for start in range(0, len(ids), room)]

    assert len(blocks) > 2
    assert whole.tokens == len(ids)
    parts = model.pseudo_log_likelihood([model.decode(block) for block in blocks])
    assert whole.log_prob == pytest.approx(sum(part.log_prob for part in parts), abs=1e-2)


def test_without_a_mask_token_nothing_can_be_hidden(tmp_path):
    folder = write_roberta(tmp_path, transformers.RobertaForMaskedLM)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"}'
    )

    with pytest.raises(UnsupportedModel) as caught:
        load(folder)

    assert caught.value.code == "no_mask_token"


@pytest.mark.parametrize("tagger", TAGGERS, indirect=True)
def test_a_word_has_the_label_of_its_first_piece(tagger):
    model = load(tagger)
    network = transformers.AutoModelForTokenClassification.from_pretrained(tagger).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tagger, add_prefix_space=True)

    found = model.tag(SENTENCES)

    assert recognise(tagger).task == "token-classification"
    assert model.description()["labels"] == LABELS
    for words, labels in zip(SENTENCES, found, strict=True):
        assert len(labels) == len(words)
        if not words:
            continue
        row = tokenizer([words], is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            best = network(**row).logits[0].argmax(-1).tolist()
        for number, label in enumerate(labels):
            place = next((at for at, word in enumerate(row.word_ids(0)) if word == number), None)
            assert label == ("O" if place is None else LABELS[best[place]])


@pytest.mark.parametrize("tagger", ["roberta"], indirect=True)
def test_a_words_pieces_are_those_of_a_word_behind_a_space(tagger):
    model = load(tagger)

    ids, firsts = model._row(["the", "cat", "sat"])

    assert model.decode(ids[firsts[1] : firsts[2]]) == " cat"


@pytest.mark.parametrize("tagger", TAGGERS, indirect=True)
def test_words_behind_the_context_are_outside(tagger):
    model = load(tagger)
    words = ["dog", "cat"] * 40

    (labels,) = model.tag([words])

    assert len(labels) == 80
    assert set(labels[40:]) == {"O"}
    assert labels == model.tag([words, ["the"]])[0]


@pytest.mark.parametrize("tagger", ["bert"], indirect=True)
def test_tokenizers_without_an_account_of_words_give_the_same_labels(tagger):
    model = load(tagger)

    for words in SENTENCES:
        if words:
            assert model._row_by_hand(words) == model._row(words)


def plain_answer(folder, question, context):
    """The best span by trying all of them in each window."""
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = tokenizer(
        question, context, truncation="only_second", max_length=64, return_overflowing_tokens=True,
        stride=min(128, (64 - tokenizer.num_special_tokens_to_add(pair=True) - len(
            tokenizer.encode(question, add_special_tokens=False))) // 2),
        return_offsets_mapping=True,
    )  # fmt: skip
    best = None
    for number in range(len(rows["input_ids"])):
        inputs = {name: torch.tensor([rows[name][number]]) for name in tokenizer.model_input_names if name in rows}
        with torch.no_grad():
            output = network(**inputs)
        starts, ends = output.start_logits[0].tolist(), output.end_logits[0].tolist()
        inside = [at for at, part in enumerate(rows.sequence_ids(number)) if part == 1]
        firsts = sorted(inside, key=lambda at: -starts[at])[:20]
        lasts = sorted(inside, key=lambda at: -ends[at])[:20]
        for start in firsts:
            for end in lasts:
                if start <= end < start + 30 and (best is None or starts[start] + ends[end] > best[0]):
                    span = rows["offset_mapping"][number]
                    best = (starts[start] + ends[end], span[start][0], span[end][1])
    return best


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_answers_are_the_best_spans_over_overlapping_windows(reader):
    model = load(reader)
    contexts = ["The cat sat on the mat.", "a dog met a cat on the log and the mats. " * 6]
    questions = ["Where sat the cat?", "What?"]

    found = model.answer(questions, contexts=contexts)

    assert recognise(reader).task == "question-answering"
    for question, context, answer in zip(questions, contexts, found, strict=True):
        assert context[answer.start : answer.end] == answer.text
        score, start, end = plain_answer(reader, question, context)
        assert answer.score == pytest.approx(score, abs=1e-4)
        assert context[start:end].strip() == answer.text


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_offsets_count_code_points_and_chinese_answers_count_characters(reader):
    model = load(reader)
    context = "😀😀北京是首都" * 20

    (answer,) = model.answer(["首都?"], contexts=[context])

    assert context[answer.start : answer.end] == answer.text
    assert 0 < len(answer.text) <= 50


@pytest.mark.parametrize("reader", ["bert"], indirect=True)
def test_an_empty_context_has_no_answer_and_an_endless_question_is_cut(reader):
    model = load(reader)

    empty, cut = model.answer(["Who?", "who is the cat " * 100], contexts=["", "the cat"])

    assert (empty.text, empty.start, empty.end) == ("", 0, 0)
    assert cut.text in "the cat"
    assert cut.text
