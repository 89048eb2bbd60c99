"""Facts that the files themselves tell: the task and the library. Pure; nothing is executed."""

import json
import re
from typing import Any

_TASKS = (
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForMaskedLM", "fill-mask"),
    ("ForConditionalGeneration", "text2text-generation"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("ForCTC", "automatic-speech-recognition"),
)
# Families of speech recognition whose classes are named like those that write text from text.
_SPEECH_WRITERS = {"whisper", "speech_to_text"}
# The hub's own families that are no language models.
_OWN_TASKS = {
    "smallhub-crf": "token-classification",
    "smallhub-linear": "text-classification",
    "smallhub-seq2seq": "text2text-generation",
    "smallhub-tree": "text-classification",
}
# Files that say by their names what they are for, where no configuration does.
_BARE = (
    (re.compile(r"[^/]+\.(?:arpa|gguf)"), "text-generation"),
    (
        re.compile(r"(?i)(?:[^/]+\.vec|[^/]*(?:w2v|word2vec|glove|vectors|embeddings)[^/]*\.(?:txt|bin))"),
        "sentence-similarity",
    ),
)
MAX_CONFIG_BYTES = 1024 * 1024
_AUTO_CLASSES = (
    ("ForCausalLM", "AutoModelForCausalLM"),
    ("LMHeadModel", "AutoModelForCausalLM"),
    ("ForSequenceClassification", "AutoModelForSequenceClassification"),
    ("ForTokenClassification", "AutoModelForTokenClassification"),
    ("ForQuestionAnswering", "AutoModelForQuestionAnswering"),
    ("ForMaskedLM", "AutoModelForMaskedLM"),
    ("ForConditionalGeneration", "AutoModelForSeq2SeqLM"),
    ("ForSpeechSeq2Seq", "AutoModelForSpeechSeq2Seq"),
    ("ForCTC", "AutoModelForCTC"),
)
_FORMATS = {".safetensors": "safetensors", ".gguf": "gguf", ".onnx": "onnx", ".tflite": "tflite"}
_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_MAX_WORD = 200


def read_config(content: bytes) -> dict[str, Any]:
    """The object in a config.json, or {} when it is none."""
    if len(content) > MAX_CONFIG_BYTES:
        return {}
    try:
        value = json.loads(content, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def library_of(paths: set[str], config: dict[str, Any]) -> str:
    """Which library loads these files, by their names and their config; "" when unknown."""
    model_type = config.get("model_type")
    if isinstance(model_type, str) and model_type.startswith("smallhub-"):
        return "smallhub"
    if "modules.json" in paths:
        return "sentence-transformers"
    if isinstance(model_type, str):
        return "transformers"
    return "gguf" if any(path.endswith(".gguf") for path in paths) else ""


def task_of(paths: set[str], config: dict[str, Any]) -> str:
    """What the model does, by its declared architecture; "" when unknown."""
    if "modules.json" in paths:
        return "sentence-similarity"
    model_type = config.get("model_type")
    if isinstance(model_type, str) and model_type.startswith("smallhub-"):
        return _OWN_TASKS.get(model_type, "text-generation")
    if not config:
        return next((task for name, task in _BARE if any(map(name.fullmatch, paths))), "")
    architectures = config.get("architectures")
    names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    task = next((task for ending, task in _TASKS for name in names if name.endswith(ending)), "")
    return "automatic-speech-recognition" if task == "text2text-generation" and model_type in _SPEECH_WRITERS else task


def formats_of(paths: set[str]) -> list[str]:
    """The weight formats in these files, as tags."""
    found = {word for path in paths for ending, word in _FORMATS.items() if path.endswith(ending)}
    if "pytorch_model.bin" in paths or "pytorch_model.bin.index.json" in paths:
        found.add("pytorch")
    return sorted(found)


def summary_of(config: dict[str, Any], tokenizer: dict[str, Any]) -> dict[str, Any]:
    """What the wire shows of config.json and tokenizer_config.json: names and special tokens, none too long."""
    found: dict[str, Any] = {}
    architectures = config.get("architectures")
    if isinstance(architectures, list):
        found["architectures"] = [word for word in map(_word, architectures[:10]) if word]
    if _word(config.get("model_type")):
        found["model_type"] = _word(config["model_type"])
    quantization = config.get("quantization_config")
    if isinstance(quantization, dict) and _word(quantization.get("quant_method")):
        found["quantization_config"] = {"quant_method": _word(quantization["quant_method"])}
    if isinstance(config.get("auto_map"), dict):
        pairs = ((_word(key), _word(value)) for key, value in list(config["auto_map"].items())[:20])
        found["auto_map"] = {key: value for key, value in pairs if key and value}
    tokens = {name: _token(tokenizer.get(name)) for name in _TOKENS}
    if any(tokens.values()) or tokenizer:
        found["tokenizer_config"] = {name: token for name, token in tokens.items() if token}
    return found


def transformers_info(summary: dict[str, Any], task: str) -> dict[str, str] | None:
    """Which class of `transformers` loads the model, by the summary of its config; None when it says nothing."""
    names = summary.get("architectures") or []
    if not names or not summary.get("model_type"):
        return None
    auto = next((auto for ending, auto in _AUTO_CLASSES for name in names if name.endswith(ending)), "AutoModel")
    if auto == "AutoModelForSeq2SeqLM" and summary["model_type"] in _SPEECH_WRITERS:
        auto = "AutoModelForSpeechSeq2Seq"
    info = {"auto_model": auto}
    if task:
        info["pipeline_tag"] = task
    if "tokenizer_config" in summary:
        info["processor"] = "AutoTokenizer"
    custom = summary.get("auto_map", {}).get(auto)
    return info | {"custom_class": custom} if custom else info


def _word(value: Any) -> str:
    return value[:_MAX_WORD].replace("\x00", "") if isinstance(value, str) else ""


def _token(value: Any) -> str:
    """A special token: a text, or an object that holds it."""
    return _word(value.get("content") if isinstance(value, dict) else value)
