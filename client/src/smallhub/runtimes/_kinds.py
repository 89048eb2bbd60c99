"""What a folder in the transformers layout is for, told from its JSON alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smallhub._exceptions import UnsupportedModel

from ._files import read_object
from ._types import (
    CLASSIFIER,
    ENCODER,
    ENCODER_DECODER,
    LANGUAGE_MODEL,
    MASKED_MODEL,
    READER,
    TAGGER,
    TRANSCRIBER,
    Capability,
    Recognised,
    Task,
)

# Base classes of encoders: what sentence encoders and plain feature extractors are saved as.
_ENCODERS = {
    "AlbertModel",
    "BertModel",
    "CamembertModel",
    "DebertaV2Model",
    "DistilBertModel",
    "ElectraModel",
    "ModernBertModel",
    "MPNetModel",
    "NomicBertModel",
    "RobertaModel",
    "XLMRobertaModel",
}
_CAPABILITIES: dict[Task, frozenset[Capability]] = {
    "text-generation": LANGUAGE_MODEL,
    "text-classification": CLASSIFIER,
    "sentence-similarity": ENCODER,
    "fill-mask": MASKED_MODEL,
    "text2text-generation": ENCODER_DECODER,
    "token-classification": TAGGER,
    "question-answering": READER,
    "automatic-speech-recognition": TRANSCRIBER,
}
# Families of text encoder-decoders. Some were made for one thing only; the others for whatever they were trained on.
_TRANSLATORS = {"marian", "m2m_100", "mbart", "fsmt"}
_SUMMARISERS = {"pegasus", "pegasus_x", "led", "bigbird_pegasus"}
_TALKERS = {"blenderbot", "blenderbot-small"}
_GENERAL = {"bart", "longt5", "mt5", "plbart", "switch_transformers", "t5", "umt5"}
# Families of speech recognition that write their text with a decoder.
_SPEECH_WRITERS = {"whisper", "speech_to_text"}
# How names of classes end, and what such classes are for.
_ENDINGS: dict[str, Task] = {
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForMaskedLM": "fill-mask",
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForCTC": "automatic-speech-recognition",
}
# Families whose tokenizer is made of files of its own, unless a `tokenizer.json` stands for all of them.
_TOKENIZER_FILES = {
    "marian": ("source.spm", "target.spm", "vocab.json"),
    "m2m_100": ("sentencepiece.bpe.model", "vocab.json"),
    "speech_to_text": ("sentencepiece.bpe.model", "vocab.json"),
}
FEATURE_FILES = ("preprocessor_config.json", "processor_config.json")


def recognise_transformers(folder: Path, config: dict[str, Any]) -> Recognised:
    """Tell the task.

    Raises:
        UnsupportedModel: `quantised`, `no_architecture`, `unsupported_architecture`, and `missing_file` for a speech
            model that does not say how sound becomes its input.
    """
    if config.get("quantization_config"):
        raise UnsupportedModel("quantised", "The weights are quantised; only plain float weights are loaded yet.")
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or len(architectures) != 1 or not isinstance(architectures[0], str):
        raise UnsupportedModel("no_architecture", "config.json names no single class under 'architectures'.")
    name, family = architectures[0], config.get("model_type")
    if not isinstance(family, str):
        raise UnsupportedModel("no_architecture", "config.json names no 'model_type'.")
    task = _task_of(folder, name, family)
    if task == "automatic-speech-recognition":
        _check_features(folder)
    _check_tokenizer(folder, family)
    capabilities = _CAPABILITIES[task]
    if family in _TRANSLATORS | _TALKERS:
        capabilities -= {"summarize"}
    if family in _SUMMARISERS | _TALKERS:
        capabilities -= {"translate"}
    return Recognised("transformers", task, name, capabilities)


def read_features(folder: Path) -> dict[str, Any]:
    """How sound becomes input: the object of `preprocessor_config.json`, or the one inside `processor_config.json`."""
    for name in FEATURE_FILES:
        if (folder / name).is_file():
            data = read_object(folder / name)
            inner = data.get("feature_extractor")
            return inner if isinstance(inner, dict) else data
    raise UnsupportedModel(
        "missing_file",
        f"There is no {FEATURE_FILES[0]}, so nothing says how sound becomes the model's input.",
        file=FEATURE_FILES[0],
    )


def _task_of(folder: Path, name: str, family: str) -> Task:
    if name.endswith("ForConditionalGeneration") or name == "MarianMTModel":
        if family in _SPEECH_WRITERS:
            return "automatic-speech-recognition"
        if family in _TRANSLATORS | _SUMMARISERS | _TALKERS | _GENERAL:
            return "text2text-generation"
    for ending, task in _ENDINGS.items():
        if name.endswith(ending):
            return task
    if name in _ENCODERS or ((folder / "modules.json").is_file() and name.endswith("Model")):
        return "sentence-similarity"
    raise UnsupportedModel(
        "unsupported_architecture",
        f"{name} is none of the kinds that are loaded: causal and masked language models, encoder-decoders of text, "
        "classifiers of texts and of tokens, extractive question answering, sentence encoders, speech recognition.",
        architecture=name,
    )


def _check_tokenizer(folder: Path, family: str) -> None:
    if (folder / "tokenizer.json").is_file():
        return
    for name in _TOKENIZER_FILES.get(family, ()):
        if not (folder / name).is_file():
            raise UnsupportedModel(
                "missing_file", f"There is no {name}, a part of the tokenizer of {family} models.", file=name
            )


def _check_features(folder: Path) -> None:
    rate = read_features(folder).get("sampling_rate")
    if not isinstance(rate, int) or isinstance(rate, bool) or rate <= 0:
        raise UnsupportedModel(
            "no_sampling_rate", f"{FEATURE_FILES[0]} does not say the sampling rate that the model was trained with."
        )
