"""Speech recognition, tiny and random, against plain calls of the library; resampling against a reference."""

from __future__ import annotations

import io
import json
import wave

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
sentencepiece = pytest.importorskip("sentencepiece")

import smallhub  # noqa: E402
from smallhub.runtimes import UnsupportedModel, _sound, load, recognise  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402

RATE = 16_000
LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrst"]


def tone(seconds, *, rate=RATE, seed=0):
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.05, len(time))
    return (0.4 * np.sin(2 * np.pi * (200 + 300 * time) * time) + noise).astype(np.float32)


GENERATION = {
    "is_multilingual": True,
    "lang_to_id": {"<|en|>": 2, "<|de|>": 3, "<|zh|>": 4},
    "task_to_id": {"transcribe": 5, "translate": 6},
    "no_timestamps_token_id": 8,
    "suppress_tokens": [1, 2, 3, 4, 5, 6, 7, 8, 20],
    "begin_suppress_tokens": [30, 0],
    "max_length": 20,
}
CLIPS = [tone(0.6), tone(0.3, seed=1), np.zeros(4_000, np.float32)]


def set_generation(network):
    for name, value in GENERATION.items():
        setattr(network.generation_config, name, value)


def write_ctc(folder, kind, config, *, normalised):
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(LETTERS)}))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(
        do_normalize=True, return_attention_mask=normalised == "layer", sampling_rate=RATE
    ).save_pretrained(folder)
    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    return folder


def sizes(normalised):
    return {
        "vocab_size": len(LETTERS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "conv_dim": (8, 8), "conv_kernel": (10, 8), "conv_stride": (20, 16),
        "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "feat_extract_norm": normalised,
        "initializer_range": 0.8, "do_stable_layer_norm": normalised == "layer",
    }  # fmt: skip


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory):
    config = transformers.Wav2Vec2Config(**sizes("group"))
    return write_ctc(tmp_path_factory.mktemp("w"), transformers.Wav2Vec2ForCTC, config, normalised="group")


@pytest.fixture(scope="module")
def hubert(tmp_path_factory):
    config = transformers.HubertConfig(**sizes("layer"))
    return write_ctc(tmp_path_factory.mktemp("h"), transformers.HubertForCTC, config, normalised="layer")


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    specials = [
        "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|zh|>", "<|transcribe|>", "<|translate|>",
        "<|nospeech|>", "<|notimestamps|>",
    ]  # fmt: skip
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        ["one two three"],
        trainers.BpeTrainer(vocab_size=270, special_tokens=specials, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<|endoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )
    tokenizer.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=16).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=16, max_target_positions=20,
        decoder_start_token_id=1, eos_token_id=0, bos_token_id=0, pad_token_id=0, init_std=0.8,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    network = transformers.WhisperForConditionalGeneration(config)
    set_generation(network)
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def speech_to_text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s2t")
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["one two three", "four five six"] * 4), model_writer=buffer, vocab_size=40,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    read = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
    names = [read.id_to_piece(number) for number in range(3, read.get_piece_size())]
    vocab = {name: number for number, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", *names])}
    (folder / "sentencepiece.bpe.model").write_bytes(buffer.getvalue())
    (folder / "vocab.json").write_text(json.dumps(vocab))
    transformers.Speech2TextTokenizer(
        str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model")
    ).save_pretrained(folder)
    transformers.Speech2TextFeatureExtractor(num_mel_bins=16, feature_size=16).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.Speech2TextConfig(
        vocab_size=len(vocab), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, input_feat_per_channel=16,
        conv_channels=16, max_target_positions=24, init_std=0.8,
    )  # fmt: skip
    transformers.Speech2TextForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["wav2vec2", "hubert"])
def test_letters_of_frames_equal_plain_calls_of_the_library(request, name):
    folder = request.getfixturevalue(name)
    model = load(folder)
    network = transformers.AutoModelForCTC.from_pretrained(folder).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)

    found = model.transcribe(CLIPS, sampling_rate=RATE)

    assert recognise(folder).task == "automatic-speech-recognition"
    for clip, text in zip(CLIPS, found, strict=True):
        with torch.no_grad():
            logits = network(**extractor(clip, sampling_rate=RATE, return_tensors="pt")).logits
        assert text == tokenizer.decode(logits[0].argmax(-1)).strip()
    assert any(found)


def test_what_whisper_writes_equals_plain_calls_of_the_library(whisper):
    model = load(whisper)
    network = transformers.WhisperForConditionalGeneration.from_pretrained(whisper).eval()
    set_generation(network)
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(whisper)

    found = model.transcribe(CLIPS, sampling_rate=RATE)

    for clip, text in zip(CLIPS, found, strict=True):
        row = extractor(clip, sampling_rate=RATE, return_tensors="pt")
        # The library goes on behind its limit with what it takes for the next stretch of sound.
        ids = network.generate(row["input_features"], task="transcribe", max_new_tokens=16)
        assert text == model.tokenizer.decode(ids[0][:16], skip_special_tokens=True).strip()
        start = model._whisper_start(model._features(clip))
        assert start.more[0] in (2, 3, 4)
        assert start.more[1:] == (5, 8)
    assert any(found)
    assert model.description()["sampling_rate"] == RATE


@pytest.mark.parametrize("setting", [{"language": "german"}, {"forced_decoder_ids": [[1, 3], [2, 5]]}])
def test_a_language_that_the_files_set_is_not_guessed(whisper, tmp_path, setting):
    for path in whisper.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((tmp_path / "generation_config.json").read_text())
    (tmp_path / "generation_config.json").write_text(json.dumps(settings | setting))

    model = load(tmp_path)

    assert model._whisper_start(model._features(CLIPS[0])).more == (3, 5, 8)


def test_what_speech_to_text_writes_equals_plain_calls_of_the_library(speech_to_text):
    model = load(speech_to_text)
    network = transformers.Speech2TextForConditionalGeneration.from_pretrained(speech_to_text).eval()
    extractor = transformers.Speech2TextFeatureExtractor.from_pretrained(speech_to_text)

    found = model.transcribe(CLIPS, sampling_rate=RATE)

    for clip, text in zip(CLIPS, found, strict=True):
        row = extractor(clip, sampling_rate=RATE, return_tensors="pt")
        ids = network.generate(**row, num_beams=1, do_sample=False, max_length=24)
        assert text == model.tokenizer.decode(ids[0], skip_special_tokens=True).strip()
    assert any(found)


def test_clips_of_another_rate_are_resampled_and_empty_ones_are_silent(wav2vec2):
    model = load(wav2vec2)
    slow = tone(0.5, rate=8_000)

    (found,) = model.transcribe([slow], sampling_rate=8_000)

    assert found == model.transcribe([_sound.resample(slow, 8_000, RATE)], sampling_rate=RATE)[0]
    assert model.transcribe([np.zeros(0, np.float32), np.ones(3)], sampling_rate=RATE)[0] == ""


@pytest.mark.parametrize(
    ("clip", "rate"), [(np.zeros((2, 50)), RATE), (np.array([0.0, np.nan]), RATE), (np.zeros(50), 0)]
)
def test_what_is_no_clip_is_refused(wav2vec2, clip, rate):
    with pytest.raises(smallhub.Invalid):
        load(wav2vec2).transcribe([clip], sampling_rate=rate)


def test_without_a_sampling_rate_or_its_file_the_model_is_refused(wav2vec2, tmp_path):
    for path in wav2vec2.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())

    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings | {"sampling_rate": "fast"}))
    with pytest.raises(UnsupportedModel) as caught:
        recognise(tmp_path)
    assert caught.value.code == "no_sampling_rate"

    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(UnsupportedModel, match=r"preprocessor_config\.json") as caught:
        recognise(tmp_path)
    assert caught.value.code == "missing_file"

    (tmp_path / "processor_config.json").write_text(json.dumps({"feature_extractor": settings}))
    assert recognise(tmp_path).architecture == "Wav2Vec2ForCTC"


@pytest.mark.parametrize(("rate", "wanted"), [(8_000, 16_000), (44_100, 16_000), (16_000, 8_000), (22_050, 16_000)])
@pytest.mark.parametrize("samples", [1, 37, 4_001])
def test_resampling_equals_a_reference(rate, wanted, samples):
    signal = pytest.importorskip("scipy.signal")
    clip = np.random.default_rng(0).normal(size=samples).astype(np.float32)

    found = _sound.resample(clip, rate, wanted)

    expected = signal.resample_poly(clip.astype(np.float64), wanted, rate)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, abs=1e-5)


def test_long_clips_are_cut_where_they_are_quiet():
    rate = 1_000
    clip = np.concatenate([np.ones(28_000), np.zeros(1_000), np.ones(21_000)]).astype(np.float32)

    parts = _sound.pieces(clip, rate, longest_s=30)

    assert [len(part) for part in parts] == [28_000, 22_000]
    assert np.array_equal(np.concatenate(parts), clip)
    assert [len(part) for part in _sound.pieces(clip[:100], rate, longest_s=30)] == [100]


@pytest.mark.parametrize(("width", "kind"), [(1, "u1"), (2, "<i2"), (4, "<i4")])
def test_wav_files_are_read_with_their_channels_averaged(tmp_path, width, kind):
    middle, top = (128, 64) if width == 1 else (0, 2 ** (8 * width - 2))
    samples = np.array([[middle, middle], [middle + top, middle + top], [middle - top, middle + top]], dtype=kind)
    with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(width)
        file.setframerate(8_000)
        file.writeframes(samples.tobytes())

    clip, rate = _sound.read_wav(tmp_path / "clip.wav")

    assert rate == 8_000
    assert clip.tolist() == [0.0, 0.5, 0.0]
    (tmp_path / "clip.wav").write_bytes(b"not sound")
    with pytest.raises(smallhub.Invalid):
        _sound.read_wav(tmp_path / "clip.wav")
