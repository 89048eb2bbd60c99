"""Encoder-decoders of text: translation, summaries, and how likely a target is given its source.

Decoding is greedy: one beam, no draws, none of the penalties and shortest lengths that a model's files may ask for.
What a model needs in order to begin right is kept: the start token, the forced first token, the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from transformers import AutoModelForSeq2SeqLM
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

from smallhub._exceptions import Invalid, UnsupportedModel
from smallhub.runtimes._clean import clean_room
from smallhub.runtimes._decoding import Start, TokenSettings, decode_greedily
from smallhub.runtimes._files import read_object
from smallhub.runtimes._languages import ENGLISH_NAMES, language_token
from smallhub.runtimes._library import (
    TransformersModel,
    check_class,
    grouped,
    padded,
    read_network,
    read_tokenizer,
    stored_dtypes,
)
from smallhub.runtimes._torch import exact
from smallhub.runtimes._types import Likelihood, Recognised, check_generation

_SUMMARY = "summarization"


class EncoderDecoderModel(TransformersModel):
    """A model that writes a text from a text."""

    auto_class = AutoModelForSeq2SeqLM
    class_names = MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str], settings: TokenSettings) -> None:
        super().__init__(network, tokenizer, dtypes)
        self.task = "text2text-generation"
        self._prefixes: dict[str, str] = {}
        self._start_id = settings.first("decoder_start_token_id")
        self._forced_id = settings.first("forced_bos_token_id")
        self._end_id = _needed(settings.first("eos_token_id"), tokenizer.eos_token_id, "end")
        self._pad_id = _needed(settings.first("pad_token_id"), tokenizer.pad_token_id, "padding")
        if hasattr(tokenizer, "punc_normalizer"):
            # It works only where a package happens to be installed, and answers must not depend on that.
            tokenizer.punc_normalizer = str
        self._languages = _languages_of(tokenizer, network.config.model_type)
        if self._start_id is None and network.config.model_type != "mbart":
            raise UnsupportedModel("no_start_token", "config.json names no token for the decoder to start from.")

    @classmethod
    def read(cls, folder: Path, found: Recognised) -> Self:
        """Read a model, and the words that it wants before its texts."""
        with clean_room(folder) as (room, config):
            check_class(found.architecture, cls.class_names, config.model_type)
            network = read_network(cls.auto_class, room, config)
            settings = TokenSettings(folder, network)
            model = cls(network, read_tokenizer(room), stored_dtypes(folder), settings)
        model.capabilities = found.capabilities
        model._prefixes = _read_prefixes(folder)
        return model

    def description(self) -> dict[str, Any]:
        """Facts as JSON: how the decoder starts, the languages, the words before texts of each use."""
        return super().description() | {
            "decoder_start_id": self._start_id,
            "end_id": self._end_id,
            "languages": sorted(self._languages),
            "prefixes": self._prefixes,
            "decoding": {"beams": 1, "temperature": 0.0},
        }

    def translate(
        self, texts: Sequence[str], *, source: str = "", target: str = "", max_new_tokens: int | None = None
    ) -> list[str]:
        """Translate texts.

        Raises:
            Invalid: `language_needed`, `unknown_language`.
        """
        if "translate" not in self.capabilities:
            raise self._incapable("translate")
        start, words = self._set_languages(source, target)
        return self._write([words + text for text in texts], start, max_new_tokens)

    def summarize(self, texts: Sequence[str], *, max_new_tokens: int = 128) -> list[str]:
        """Summarise texts."""
        if "summarize" not in self.capabilities:
            raise self._incapable("summarize")
        start = Start(self._needed_start_id(), self._forced_id)
        words = self._prefixes.get(_SUMMARY, "")
        return self._write([words + text for text in texts], start, max_new_tokens)

    def conditional_log_likelihood(
        self, texts: Sequence[str], *, targets: Sequence[str], source: str = "", target: str = ""
    ) -> list[Likelihood]:
        """Score targets. A source longer than the context is cut at its end, a target is refused."""
        words = self._set_languages(source, target)[1] if self._languages or source or target else ""
        pairs = [
            (self._source_ids(words + text), *self._target_rows(goal))
            for text, goal in zip(texts, targets, strict=True)
        ]
        found: dict[int, Likelihood] = {}
        unknown = self.tokenizer.unk_token_id
        vocabulary = int(self.network.config.vocab_size)
        for group in grouped([len(source) + len(row) for source, row, _ in pairs], numbers_per_token=vocabulary):
            chosen = [pairs[place] for place in group]
            for place, (_, _, scored), value in zip(group, chosen, self._score(chosen), strict=True):
                found[place] = Likelihood(value, len(scored), sum(number == unknown for number in scored))
        return [found[place] for place in range(len(pairs))]

    def _write(self, texts: list[str], start: Start, max_new_tokens: int | None) -> list[str]:
        """Decode each text; None allows twice its tokens plus 20, as the protocol has it."""
        check_generation(max_new_tokens=max_new_tokens or 0, temperature=0.0)
        sources = [self._source_ids(text) for text in texts]
        room = self.context_length or 1 << 30
        written: dict[int, str] = {}
        for group in grouped([len(source) for source in sources]):
            limits = [
                min(2 * len(sources[place]) + 20 if max_new_tokens is None else max_new_tokens, room - 2)
                for place in group
            ]
            ids, mask = padded([sources[place] for place in group], fill=self._pad_id)
            rows = decode_greedily(
                self.network,
                {"input_ids": ids, "attention_mask": mask},
                start,
                limits=limits,
                end_id=self._end_id,
                banned=self._banned(),
            )
            for place, row in zip(group, rows, strict=True):
                text = self.tokenizer.decode(row, skip_special_tokens=True, clean_up_tokenization_spaces=False)
                written[place] = str(text).strip()
        return [written[place] for place in range(len(texts))]

    def _set_languages(self, source: str, target: str) -> tuple[Start, str]:
        """Prepare the tokenizer for a pair of languages. Returns how decoding starts, and words before each text."""
        if not self._languages:
            return Start(self._needed_start_id(), self._forced_id), self._translation_prefix(source, target)
        if not target:
            raise Invalid("This model has several languages: name the target.", code="language_needed")
        wanted = language_token(target, self._languages)
        if self.network.config.model_type == "marian":
            return Start(self._needed_start_id(), self._forced_id), f"{wanted} "
        if not source:
            raise Invalid("This model has several languages: name the source.", code="language_needed")
        self.tokenizer.tgt_lang = self._languages[wanted]
        self.tokenizer.src_lang = self._languages[language_token(source, self._languages)]
        wanted_id = int(self.tokenizer.convert_tokens_to_ids(wanted))
        if self._start_id is None:  # Models that start from the language itself.
            return Start(wanted_id, None), ""
        return Start(self._start_id, wanted_id), ""

    def _translation_prefix(self, source: str, target: str) -> str:
        """The words that tell a model of many uses which pair is wanted; none for models of one pair."""
        pairs = {name: words for name, words in self._prefixes.items() if name.startswith("translation_")}
        if not pairs:
            return ""
        if not source and not target and len(pairs) == 1:
            return next(iter(pairs.values()))
        if not source or not target:
            raise Invalid("This model knows several pairs: name source and target.", code="language_needed")
        name = f"translation_{source}_to_{target}"
        if name in pairs:
            return pairs[name]
        if source in ENGLISH_NAMES and target in ENGLISH_NAMES and f"translation_{target}_to_{source}" not in pairs:
            known = ", ".join(sorted(pairs))
            raise Invalid(f"This model has no pair {source}-{target}; it has {known}.", code="unknown_language")
        return f"translate {ENGLISH_NAMES.get(source, source)} to {ENGLISH_NAMES.get(target, target)}: "

    def _source_ids(self, text: str) -> list[int]:
        limit = self.context_length
        ids = self.tokenizer.encode(text, truncation=limit is not None, max_length=limit, verbose=False)
        return [int(number) for number in ids] or [self._end_id]

    def _target_rows(self, target: str) -> tuple[list[int], list[int]]:
        """What the decoder reads, and the ids that it must then say: the text's own, and the end."""
        ids = [int(number) for number in self.tokenizer(text_target=target, verbose=False)["input_ids"]]
        special = set(self.tokenizer.all_special_ids)
        begin = 0
        while begin < len(ids) and ids[begin] in special and ids[begin] != self._end_id:
            begin += 1
        stop = ids.index(self._end_id, begin) if self._end_id in ids[begin:] else len(ids)
        scored = [*ids[begin:stop], self._end_id]
        read = [self._needed_start_id(ids), *ids[:begin], *ids[begin:stop]]
        if self.context_length is not None and len(read) > self.context_length:
            raise Invalid(
                f"The target has {len(read)} tokens; the context holds {self.context_length}.", code="target_too_long"
            )
        return read, scored

    def _score(self, pairs: list[tuple[list[int], list[int], list[int]]]) -> list[float]:
        """Summed log-probability of each target."""
        ids, mask = padded([source for source, _, _ in pairs], fill=self._pad_id)
        read, _ = padded([row for _, row, _ in pairs], fill=self._pad_id)
        values = []
        with exact():
            logits = self.network(
                input_ids=ids, attention_mask=mask, decoder_input_ids=read, use_cache=False
            ).logits.double()
            for place, (_, row, scored) in enumerate(pairs):
                own = logits[place, len(row) - len(scored) : len(row)]
                chosen = own.gather(1, torch.tensor(scored).unsqueeze(1)).squeeze(1)
                values.append(float((chosen - torch.logsumexp(own, dim=-1)).sum()))
        return values

    def _needed_start_id(self, target_ids: Sequence[int] = ()) -> int:
        """The decoder's first input. Models that start from a language have it at the end of a target's ids."""
        if self._start_id is not None:
            return self._start_id
        if target_ids:
            return target_ids[-1]
        raise UnsupportedModel("no_start_token", "config.json names no token for the decoder to start from.")

    def _banned(self) -> tuple[int, ...]:
        """Padding is no answer. Some models were never taught not to say it, and only their settings forbid it."""
        return tuple({self._pad_id} - {self._end_id})


def _needed(stated: int | None, fallback: int | None, what: str) -> int:
    if stated is None and fallback is None:
        raise UnsupportedModel("missing_token", f"Neither configuration nor tokenizer has a token for {what}.")
    return int(fallback or 0) if stated is None else stated


def _languages_of(tokenizer: Any, family: str) -> dict[str, str]:
    """The languages that a vocabulary has: its tokens for them, each with the tokenizer's own code."""
    if family == "marian":
        return {token: token for token in getattr(tokenizer, "supported_language_codes", ())}
    if hasattr(tokenizer, "lang_code_to_token"):
        return {token: code for code, token in tokenizer.lang_code_to_token.items()}
    if family not in {"mbart", "m2m_100"} or not hasattr(tokenizer, "src_lang"):
        return {}
    tokens = [str(token) for token in tokenizer.all_special_tokens]
    return {token: token for token in tokens if "_" in token and not token.startswith("<")}


def _read_prefixes(folder: Path) -> dict[str, str]:
    """The words before texts by use (`summarization`, `translation_en_to_de`), from `task_specific_params`."""
    settings = read_object(folder / "config.json").get("task_specific_params")
    found = {}
    for name, values in settings.items() if isinstance(settings, dict) else ():
        if isinstance(values, dict) and isinstance(values.get("prefix"), str):
            found[str(name)] = values["prefix"]
    return found
