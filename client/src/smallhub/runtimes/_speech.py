"""Speech recognition: networks that label frames (CTC), and encoder-decoders that write the text.

Sound becomes input by the library's own arithmetic, built from the numbers in the model's files alone. Clips longer
than 30 s are cut where they are quietest and written down piece by piece.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from transformers import (
    AutoModelForCTC,
    AutoModelForSpeechSeq2Seq,
    Speech2TextFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CTC_MAPPING_NAMES,
    MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
)
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._clean import clean_room
from smallhub.runtimes._decoding import Start, TokenSettings, decode_greedily
from smallhub.runtimes._kinds import read_features
from smallhub.runtimes._library import (
    check_class,
    first_line,
    read_network,
    read_tokenizer,
    stored_dtypes,
)
from smallhub.runtimes._sound import METHOD, check_clip, pieces, resample
from smallhub.runtimes._torch import exact, parameter_count
from smallhub.runtimes._types import TRANSCRIBER, Model, Recognised, Runtime

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

_LONGEST_S = 30.0
_SHORTEST_S = 0.1  # Shorter ones are filled up with silence: the first layers need some frames.
_EXTRACTORS = {"whisper": WhisperFeatureExtractor, "speech_to_text": Speech2TextFeatureExtractor}
# Begins of Whisper's prompt; the language stands between.
_BEGIN, _TASK, _UNTIMED = "<|startoftranscript|>", "<|transcribe|>", "<|notimestamps|>"


class TranscriberModel(Model):
    """What both kinds share: from clips of any rate to the network's input."""

    runtime: ClassVar[Runtime] = "transformers"

    def __init__(self, network: Any, tokenizer: Any, extractor: Any, dtypes: list[str]) -> None:
        self.task = "automatic-speech-recognition"
        self.capabilities = TRANSCRIBER
        self.network = network
        self.tokenizer = tokenizer
        self.extractor = extractor
        self.sampling_rate = int(extractor.sampling_rate)
        self._dtypes = dtypes

    @classmethod
    def read(cls, folder: Path, found: Recognised) -> Model:
        """Read a model of either kind.

        Raises:
            UnsupportedModel: the class does not fit the configuration, or a part of the model is missing.
        """
        kind = _FrameModel if found.architecture.endswith("ForCTC") else _WriterModel
        return kind.read(folder, found)

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": type(self.network).__name__,
            "parameters": parameter_count(self.network),
            "context_length": None,
            "vocabulary_size": int(self.network.config.vocab_size),
            "tokenizer_size": len(self.tokenizer),
            "labels": None,
            "prefix_token": None,
            "dtype": "float32",
            "stored_dtypes": self._dtypes,
            "sampling_rate": self.sampling_rate,
            "resampling": METHOD,
            "longest_s": _LONGEST_S,
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens around it."""
        return [int(number) for number in self.tokenizer.encode(text, add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, each of them said once."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def transcribe(self, clips: Sequence[FloatArray], *, sampling_rate: int) -> list[str]:
        """Write down clips, one after the other: padding would change what some networks hear."""
        texts = []
        for clip in clips:
            samples = resample(check_clip(clip, sampling_rate), sampling_rate, self.sampling_rate)
            parts = [self._write(_filled(part, self.sampling_rate)) for part in self._pieces(samples)]
            texts.append(" ".join(part for part in parts if part))
        return texts

    def _pieces(self, samples: FloatArray) -> list[FloatArray]:
        return pieces(samples, self.sampling_rate, longest_s=_LONGEST_S) if len(samples) else []

    def _features(self, samples: FloatArray, **settings: Any) -> dict[str, torch.Tensor]:
        row = self.extractor(samples, sampling_rate=self.sampling_rate, return_tensors="pt", **settings)
        return {name: value for name, value in row.items() if name in self.extractor.model_input_names}

    @abstractmethod
    def _write(self, samples: FloatArray) -> str:
        """Write down one piece of sound."""


class _FrameModel(TranscriberModel):
    """Labels each frame with a letter or with nothing; equal neighbours are one letter."""

    @classmethod
    def read(cls, folder: Path, found: Recognised) -> Self:
        with clean_room(folder) as (room, config):
            check_class(found.architecture, MODEL_FOR_CTC_MAPPING_NAMES, config.model_type)
            # Only training hides stretches of sound, so what they are filled with changes no answer.
            hidden = tuple(f"{name}.masked_spec_embed" for name in ("wav2vec2", "hubert", "wavlm", "sew", "unispeech"))
            network = read_network(AutoModelForCTC, room, config, may_lack=hidden)
            return cls(network, read_tokenizer(room), _extractor(folder, config.model_type), stored_dtypes(folder))

    def _write(self, samples: FloatArray) -> str:
        with exact():
            logits = self.network(**self._features(samples)).logits[0]
        return str(self.tokenizer.decode(logits.argmax(dim=-1).tolist())).strip()


class _WriterModel(TranscriberModel):
    """Writes the text token by token."""

    def __init__(self, network: Any, tokenizer: Any, extractor: Any, dtypes: list[str]) -> None:
        super().__init__(network, tokenizer, extractor, dtypes)
        self._banned: tuple[int, ...] = ()
        self._banned_first: tuple[int, ...] = ()
        self._start = Start(0)
        self._end_id = 0
        self._language_id: int | None = None

    @classmethod
    def read(cls, folder: Path, found: Recognised) -> Self:
        with clean_room(folder) as (room, config):
            check_class(found.architecture, MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES, config.model_type)
            network = read_network(AutoModelForSpeechSeq2Seq, room, config)
            extractor = _extractor(folder, config.model_type)
            model = cls(network, read_tokenizer(room), extractor, stored_dtypes(folder))
        model._begin_as(TokenSettings(folder, network))
        return model

    def description(self) -> dict[str, Any]:
        """Facts as JSON, with how decoding begins."""
        return super().description() | {"decoder_start_id": self._start.start_id, "end_id": self._end_id}

    def _begin_as(self, settings: TokenSettings) -> None:
        """Take from the files how the decoder starts and ends, and what it may not say."""
        start, end = settings.first("decoder_start_token_id"), settings.first("eos_token_id")
        if start is None or end is None:
            raise UnsupportedModel(
                "missing_token", "Neither configuration nor settings say how a text starts and ends."
            )
        self._start = Start(start, settings.first("forced_bos_token_id"))
        self._end_id = end
        self._banned = settings.all("suppress_tokens")
        self._banned_first = settings.all("begin_suppress_tokens")
        self._language_id = _set_language(settings, self.tokenizer.get_vocab())

    def _write(self, samples: FloatArray) -> str:
        inputs = self._features(samples)
        is_whisper = self.network.config.model_type == "whisper"
        if is_whisper:
            inputs.pop("attention_mask", None)
        start = self._whisper_start(inputs) if is_whisper else self._start
        room = int(self.network.config.max_target_positions) - len(start.ids())
        (row,) = decode_greedily(
            self.network,
            inputs,
            start,
            limits=[room],
            end_id=self._end_id,
            banned=self._banned,
            banned_first=self._banned_first,
        )
        return str(self.tokenizer.decode(row, skip_special_tokens=True)).strip()

    def _whisper_start(self, inputs: dict[str, torch.Tensor]) -> Start:
        """The prompt: begin, and for models of several languages the likeliest one and the task; no times."""
        vocabulary = self.tokenizer.get_vocab()
        begin = vocabulary.get(_BEGIN, self._start.start_id)
        untimed = [vocabulary[_UNTIMED]] if _UNTIMED in vocabulary else []
        languages = _language_ids(vocabulary)
        if _TASK not in vocabulary or not languages or not self._is_multilingual(vocabulary):
            return Start(begin, None, tuple(untimed))
        spoken = self._language_id
        if spoken is None:
            with exact():
                logits = self.network(**inputs, decoder_input_ids=torch.tensor([[begin]])).logits[0, -1]
            spoken = languages[int(logits[languages].argmax())]
        return Start(begin, None, (spoken, vocabulary[_TASK], *untimed))

    def _is_multilingual(self, vocabulary: dict[str, int]) -> bool:
        """English-only models have the same vocabulary, one token shorter, and were never shown a language."""
        settings = getattr(self.network.generation_config, "is_multilingual", None)
        return bool(settings) if settings is not None else int(self.network.config.vocab_size) >= 51865


def _set_language(settings: TokenSettings, vocabulary: dict[str, int]) -> int | None:
    """The language that a model's files set once for all, as a token's id; None where it is to be heard."""
    language = settings.word("language")
    if isinstance(language, str):
        code = TO_LANGUAGE_CODE.get(language.lower(), language.lower().strip("<|>"))
        return vocabulary.get(f"<|{code}|>")
    forced = settings.word("forced_decoder_ids")
    first = forced[0] if isinstance(forced, list) and forced else None
    if isinstance(first, list) and len(first) == 2 and first[0] == 1 and first[1] in _language_ids(vocabulary):
        return int(first[1])
    return None


def _language_ids(vocabulary: dict[str, int]) -> list[int]:
    """Ids of `<|en|>` and its like, in order of id."""
    return sorted(
        number
        for token, number in vocabulary.items()
        if token.startswith("<|") and token.endswith("|>") and token[2:-2].isalpha() and 2 <= len(token) - 4 <= 3
    )


def _filled(samples: FloatArray, rate: int) -> FloatArray:
    missing = int(_SHORTEST_S * rate) - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


def _extractor(folder: Path, family: str) -> Any:
    """The library's arithmetic from sound to input, with the plain values of the model's own file."""
    kind = _EXTRACTORS.get(family, Wav2Vec2FeatureExtractor)
    declared = inspect.signature(kind.__init__).parameters
    kept = {
        name: value
        for name, value in read_features(folder).items()
        if (name in declared or name == "return_attention_mask") and isinstance(value, (bool, int, float, str))
    }
    try:
        return kind(**kept)
    except Exception as error:  # It fails in many ways on values that make no sense.
        raise UnsupportedModel(
            "broken_config", f"How sound becomes input makes no sense: {first_line(error)}"
        ) from error
