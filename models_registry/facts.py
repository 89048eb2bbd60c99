"""Facts that the files themselves tell: the task and the library. Pure; nothing is executed."""

import json
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
MAX_CONFIG_BYTES = 1024 * 1024


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
        return "text-generation"
    architectures = config.get("architectures")
    names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    return next((task for ending, task in _TASKS for name in names if name.endswith(ending)), "")
