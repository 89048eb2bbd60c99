"""The task that a model's files tell, before anything was measured."""

import pytest

from models_registry.facts import task_of, transformers_info


@pytest.mark.parametrize(
    ("paths", "config", "task"),
    [
        ({"config.json"}, {"model_type": "smallhub-lstm"}, "text-generation"),
        ({"config.json"}, {"model_type": "smallhub-linear"}, "text-classification"),
        ({"config.json"}, {"model_type": "smallhub-tree"}, "text-classification"),
        ({"config.json"}, {"model_type": "smallhub-crf"}, "token-classification"),
        ({"config.json"}, {"model_type": "smallhub-seq2seq"}, "text2text-generation"),
        (
            {"config.json"},
            {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]},
            "automatic-speech-recognition",
        ),
        (
            {"config.json"},
            {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]},
            "text2text-generation",
        ),
        ({"lm.arpa"}, {}, "text-generation"),
        ({"model.gguf"}, {}, "text-generation"),
        ({"words.vec"}, {}, "sentence-similarity"),
        ({"glove.6B.50d.txt", "README.md"}, {}, "sentence-similarity"),
        ({"notes.txt", "data/words.vec"}, {}, ""),
    ],
)
def test_the_task_is_told_from_files_and_configuration(paths: set[str], config: dict[str, object], task: str) -> None:
    assert task_of(paths, config) == task


def test_a_model_that_writes_down_speech_is_loaded_as_such() -> None:
    summary = {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}

    info = transformers_info(summary, "automatic-speech-recognition")

    assert info == {"auto_model": "AutoModelForSpeechSeq2Seq", "pipeline_tag": "automatic-speech-recognition"}
