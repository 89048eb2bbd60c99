"""Models in the transformers layout: causal language models and sequence classifiers. Other tasks are beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from smallhub._exceptions import Invalid, UnsupportedModel
from smallhub.runtimes._causal import CausalScoring
from smallhub.runtimes._explain import continuation_of, label_of, parts_of
from smallhub.runtimes._gradients import explanation, merged, owners_of
from smallhub.runtimes._library import MAX_BATCH, TransformersModel
from smallhub.runtimes._torch import choose, exact, set_threads
from smallhub.runtimes._types import (
    BLOCK_TOKENS,
    CLASSIFIER,
    LANGUAGE_MODEL,
    Classification,
    Explanation,
    Generation,
    Method,
    Model,
    PrefixRule,
    Recognised,
    Task,
    border,
    check_generation,
)

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

# Where the class for each task is, so that loading one kind imports no other.
_HOMES: dict[Task, tuple[str, str]] = {
    "text-generation": ("transformers", "CausalModel"),
    "text-classification": ("transformers", "ClassifierModel"),
    "sentence-similarity": ("_encoder", "EncoderModel"),
    "fill-mask": ("_masked", "MaskedModel"),
    "text2text-generation": ("_seq2seq", "EncoderDecoderModel"),
    "token-classification": ("_tagger", "TaggerModel"),
    "question-answering": ("_reader", "ReaderModel"),
    "automatic-speech-recognition": ("_speech", "TranscriberModel"),
}
# Tokens that part documents and are no marker of a chat's roles, most usual first.
_SEPARATORS = ("<|endoftext|>", "<|end_of_document|>", "<|endofdocument|>")


def load_transformers(folder: Path, found: Recognised, *, threads: int | None) -> Model:
    """Load what `recognise` found.

    Raises:
        UnsupportedModel: weights are missing or of other shapes, the tokenizer cannot be read, a weight is no number.
    """
    set_threads(threads)
    home, name = _HOMES[found.task]
    kind = getattr(import_module(f"smallhub.runtimes.{home}"), name)
    model: Model = kind.read(folder, found)
    return model


class CausalModel(CausalScoring, TransformersModel):
    """A language model that predicts each token from those before it."""

    auto_class = AutoModelForCausalLM
    class_names = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str]) -> None:
        super().__init__(network, tokenizer, dtypes)
        self.task = "text-generation"
        self.capabilities = LANGUAGE_MODEL
        self.block_tokens = min(self.context_length or BLOCK_TOKENS, BLOCK_TOKENS)
        self._stop_ids = _stop_ids(network, tokenizer)

    def description(self) -> dict[str, Any]:
        """Facts as JSON, with the prefix token of both rules."""
        return super().description() | {
            "prefix_token": self.prefix_token("document_separator"),
            "prefix_token_harness": self.prefix_token("harness"),
            "block_tokens": self.block_tokens,
            "stop_ids": sorted(self._stop_ids),
            **self.scoring_rules(),
        }

    def prefix_token(self, rule: PrefixRule) -> dict[str, Any] | None:
        """What the first token of a text is predicted from; None if the vocabulary has nothing that would do."""
        number = None
        if rule == "document_separator":
            vocabulary = self.tokenizer.get_vocab()
            number = next((vocabulary[name] for name in _SEPARATORS if name in vocabulary), None)
        for candidate in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            number = candidate if number is None else number
        if number is None:
            return None
        return {"text": self.tokenizer.convert_ids_to_tokens(int(number)), "id": int(number), "rule": rule}

    def next_log_probs(self, texts: Sequence[str]) -> FloatArray:
        """Log-probabilities of the next token; shape (texts, vocabulary); one padded batch."""
        if not texts:
            return np.zeros((0, int(self.network.config.vocab_size)), dtype=np.float32)
        encoded = [self._prompt_ids(text) for text in texts]
        for ids in encoded:
            self._check_length(ids, 0)
        with exact():
            logits = self._logits(encoded)
            last = logits[torch.arange(len(encoded)), torch.tensor([len(ids) - 1 for ids in encoded])]
            return np.asarray(torch.log_softmax(last, dim=-1).numpy())

    def generate(
        self,
        prompt: str,
        *,
        max_new_tokens: int = 40,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        """Go on with a text, until an end token, the limit, or the end of the context.

        Raises:
            Invalid: the prompt leaves no room in the context.
        """
        check_generation(max_new_tokens=max_new_tokens, temperature=temperature)
        prompt_ids = self._prompt_ids(prompt)
        self._check_length(prompt_ids, 1 if max_new_tokens else 0)
        return self._go_on(prompt_ids, max_new_tokens, temperature=temperature, seed=seed, use_cache=use_cache)

    def _go_on(
        self,
        prompt_ids: list[int],
        max_new_tokens: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        room = max_new_tokens if self.context_length is None else self.context_length - len(prompt_ids)
        generator = torch.Generator().manual_seed(seed)
        ids, fresh, cache, is_ended = prompt_ids, prompt_ids, None, False
        with exact():
            for _ in range(min(max_new_tokens, room)):
                tokens = torch.tensor([fresh if use_cache else ids])
                output = self.network(
                    input_ids=tokens,
                    attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                    past_key_values=cache,
                    use_cache=use_cache,
                )
                cache = output.past_key_values if use_cache else None
                chosen = choose(output.logits[0, -1], temperature=temperature, generator=generator)
                if chosen in self._stop_ids:
                    is_ended = True
                    break
                ids, fresh = [*ids, chosen], [chosen]
        new = ids[len(prompt_ids) :]
        return Generation(
            self._new_text(prompt_ids, ids), tuple(new), "stop" if is_ended else "length", len(prompt_ids)
        )

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """Integrated gradients of the continuation's log-probability, summed over the tokens of each word."""
        if method not in ("auto", "integrated_gradients") or not self.tokenizer.is_fast or not value.strip():
            return None
        context, goal = border(value, continuation_of(self, value, target))
        head = len(self._natural(context))
        row = self.tokenizer(context + goal, return_offsets_mapping=True, verbose=False)
        ids, spans = row["input_ids"], parts_of(context)
        if not 0 < head < len(ids) <= self._limit:
            return None
        owners = [*owners_of(row["offset_mapping"][:head], spans), *[None] * (len(ids) - 1 - head)]
        goals = torch.tensor(ids[head:])

        def answer(embedded: torch.Tensor) -> torch.Tensor:
            mask = torch.ones(embedded.shape[:2], dtype=torch.long)
            logits = self.network(inputs_embeds=embedded, attention_mask=mask, use_cache=False).logits[:, head - 1 :]
            return torch.log_softmax(logits, dim=-1).gather(2, goals.expand(len(embedded), -1)[..., None]).sum((1, 2))

        (expected,) = self.continuation_log_likelihood([context], continuations=[goal])
        flags = [owner is not None for owner in owners]
        found = self.attributed(ids[:-1], flags, answer, expected=expected.log_prob)
        if found is None:
            return None
        return explanation(merged(found, owners, len(spans)), value, spans, target=goal, measure="log_probability")

    def _new_text(self, prompt_ids: list[int], ids: list[int]) -> str:
        """What was added, told from the whole text: tokenizers write a first token differently from a later one."""
        before = self.tokenizer.decode(prompt_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        whole = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        if whole.startswith(before):
            return str(whole[len(before) :])
        return str(self.tokenizer.decode(ids[len(prompt_ids) :], skip_special_tokens=True))

    def _prompt_ids(self, text: str) -> list[int]:
        """Ids of a prompt as the tokenizer begins texts; never none at all."""
        ids = [int(number) for number in self.tokenizer.encode(text, verbose=False)]
        if not ids and (token := self.prefix_token("document_separator")):
            ids = [token["id"]]
        if not ids:
            raise Invalid("The prompt is empty, and the tokenizer has no token to begin with.", code="empty_prompt")
        return ids

    def _check_length(self, ids: list[int], new_tokens: int) -> None:
        if self.context_length is not None and len(ids) + new_tokens > self.context_length:
            raise Invalid(
                f"The prompt has {len(ids)} tokens; the context holds {self.context_length}.",
                code="prompt_too_long",
                tokens=len(ids),
                context_length=self.context_length,
            )

    def _logits(self, rows: list[list[int]]) -> torch.Tensor:
        """One padded batch. Padding stands on the right, where attention that looks back does not see it."""
        longest = max(map(len, rows))
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        logits: torch.Tensor = self.network(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return logits.float()


class ClassifierModel(TransformersModel):
    """A model that labels whole texts."""

    auto_class = AutoModelForSequenceClassification
    class_names = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str]) -> None:
        super().__init__(network, tokenizer, dtypes)
        self.task = "text-classification"
        self.capabilities = CLASSIFIER
        config = network.config
        if config.problem_type in {"regression", "multi_label_classification"} or config.num_labels < 2:
            raise UnsupportedModel("not_single_label", "Only classifiers that choose one label of several are loaded.")
        self.labels = tuple(str(config.id2label[number]) for number in range(config.num_labels))

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return super().description() | {"labels": list(self.labels)}

    def classify(self, texts: Sequence[str]) -> list[Classification]:
        """Label texts; what is beyond the context is cut off."""
        results: dict[int, Classification] = {}
        encoded = [self._ids(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda number: len(encoded[number]))
        # Models that find a text's end by its padding token cannot take several texts when they have none.
        size = MAX_BATCH if self.network.config.pad_token_id is not None else 1
        for start in range(0, len(order), size):
            group = order[start : start + size]
            for number, row in zip(group, self._probabilities([encoded[number] for number in group]), strict=True):
                results[number] = Classification(self.labels, tuple(row))
        return [results[number] for number in range(len(texts))]

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """Integrated gradients of the label's log-probability, summed over the tokens of each word."""
        if method not in ("auto", "integrated_gradients") or not self.tokenizer.is_fast:
            return None
        (answered,) = self.classify([value])
        label = label_of(self.labels, target, answered.label)
        number, limit = self.labels.index(label), self.context_length
        row = self.tokenizer(value, truncation=limit is not None, max_length=limit, return_offsets_mapping=True)
        spans = parts_of(value)
        owners = owners_of(row["offset_mapping"], spans)

        def answer(embedded: torch.Tensor) -> torch.Tensor:
            mask = torch.ones(embedded.shape[:2], dtype=torch.long)
            logits = self.network(inputs_embeds=embedded, attention_mask=mask).logits
            return torch.log_softmax(logits, dim=-1)[:, number]

        expected = math.log(max(answered.probabilities[number], 1e-45))
        flags = [owner is not None for owner in owners]
        found = self.attributed(row["input_ids"], flags, answer, expected=expected) if row["input_ids"] else None
        if found is None:
            return None
        return explanation(merged(found, owners, len(spans)), value, spans, target=label, measure="log_probability")

    def _ids(self, text: str) -> list[int]:
        limit = self.context_length
        ids = self.tokenizer.encode(text, truncation=limit is not None, max_length=limit, verbose=False)
        return [int(number) for number in ids] or [self.tokenizer.eos_token_id or 0]

    def _probabilities(self, rows: list[list[int]]) -> list[list[float]]:
        longest = max(map(len, rows))
        padding = self.network.config.pad_token_id or 0
        ids = torch.full((len(rows), longest), padding)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        with exact():
            logits = self.network(input_ids=ids, attention_mask=mask).logits
            return [[float(value) for value in row] for row in torch.softmax(logits.double(), dim=-1)]


def _stop_ids(network: Any, tokenizer: Any) -> frozenset[int]:
    """All ids that end a text: the tokenizer's, the configuration's, the generation settings'."""
    settings = getattr(network, "generation_config", None)
    sources = (tokenizer.eos_token_id, network.config.eos_token_id, getattr(settings, "eos_token_id", None))
    found: set[int] = set()
    for source in sources:
        found |= {int(number) for number in (source if isinstance(source, list) else [source]) if number is not None}
    return frozenset(found)
