"""Token classification: one label for each word, that of its first piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from transformers import AutoModelForTokenClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._explain import place_of, word_spans
from smallhub.runtimes._gradients import explanation, merged
from smallhub.runtimes._library import TransformersModel, grouped, padded
from smallhub.runtimes._torch import exact
from smallhub.runtimes._types import TAGGER, Explanation, Method

# The label of words that the model never saw: those behind the context's end, and those that have no piece at all.
OUTSIDE = "O"


class TaggerModel(TransformersModel):
    """A model that labels the words of a sentence."""

    auto_class = AutoModelForTokenClassification
    class_names = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES
    # Byte-level tokenizers else take the first piece of a word for the inside of the word before it.
    tokenizer_settings: ClassVar[dict[str, Any]] = {"add_prefix_space": True}

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str]) -> None:
        super().__init__(network, tokenizer, dtypes)
        self.task = "token-classification"
        self.capabilities = TAGGER
        config = network.config
        if config.num_labels < 2:
            raise UnsupportedModel("not_single_label", "Only taggers that choose one label of several are loaded.")
        self.labels = tuple(str(config.id2label[number]) for number in range(config.num_labels))

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return super().description() | {"labels": list(self.labels)}

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """Label words; those behind the context's end get `O`."""
        rows = [self._row(list(words)) for words in sentences]
        found = [[OUTSIDE] * len(words) for words in sentences]
        for group in grouped([len(ids) for ids, _ in rows]):
            for number, best in zip(group, self._best([rows[number][0] for number in group]), strict=True):
                for word, place in rows[number][1].items():
                    found[number][word] = self.labels[best[place]]
        return [tuple(labels) for labels in found]

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """Integrated gradients of the log-probability of one word's label, summed over the tokens of each word."""
        if method not in ("auto", "integrated_gradients") or not self.tokenizer.is_fast or not value:
            return None
        (labels,) = self.tag([value])
        place = place_of(value, labels, target)
        ids, firsts = self._row(value)
        number, limit = self.labels.index(labels[place]) if labels[place] in self.labels else -1, self.context_length
        if place not in firsts or number < 0:
            return None
        row = self.tokenizer(value, is_split_into_words=True, truncation=limit is not None, max_length=limit)
        owners = row.word_ids()

        def answer(embedded: torch.Tensor) -> torch.Tensor:
            mask = torch.ones(embedded.shape[:2], dtype=torch.long)
            logits = self.network(inputs_embeds=embedded, attention_mask=mask).logits
            return torch.log_softmax(logits[:, firsts[place]], dim=-1)[:, number]

        with exact():
            plain = self.network(input_ids=torch.tensor([ids])).logits[0, firsts[place]]
            expected = float(torch.log_softmax(plain, dim=-1)[number])
        found = self.attributed(ids, [owner is not None for owner in owners], answer, expected=expected)
        if found is None:
            return None
        attribution = merged(found, owners, len(value))
        text, spans = " ".join(value), word_spans(value)
        return explanation(attribution, text, spans, target=labels[place], measure="log_probability")

    def _row(self, words: list[str]) -> tuple[list[int], dict[int, int]]:
        """Ids of a sentence as the model takes it, and where the first piece of each word stands."""
        if not words:
            return [self.tokenizer.pad_token_id or 0], {}
        if not self.tokenizer.is_fast:
            return self._row_by_hand(words)
        limit = self.context_length
        row = self.tokenizer(words, is_split_into_words=True, truncation=limit is not None, max_length=limit)
        firsts: dict[int, int] = {}
        for place, word in enumerate(row.word_ids()):
            if word is not None:
                firsts.setdefault(word, place)
        return [int(number) for number in row["input_ids"]] or [self.tokenizer.pad_token_id or 0], firsts

    def _row_by_hand(self, words: list[str]) -> tuple[list[int], dict[int, int]]:
        """The same with tokenizers that keep no account of words: each word is cut up by itself."""
        before, after = self.surroundings()
        limit = self.context_length
        room = None if limit is None else max(1, limit - len(before) - len(after))
        ids: list[int] = []
        firsts = {}
        for word, piece in enumerate(self.encode(word) for word in words):
            if piece and (room is None or len(ids) < room):
                firsts[word] = len(before) + len(ids)
            ids += piece
        return [*before, *ids[:room], *after], firsts

    def _best(self, rows: list[list[int]]) -> list[list[int]]:
        """The likeliest label's number at each place of each row."""
        ids, mask = padded(rows, fill=self.tokenizer.pad_token_id or 0)
        with exact():
            logits = self.network(input_ids=ids, attention_mask=mask).logits
            return [[int(number) for number in row] for row in logits.argmax(dim=-1)]
