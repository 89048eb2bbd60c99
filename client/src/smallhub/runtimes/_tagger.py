"""Token classification: one label for each word, that of its first piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transformers import AutoModelForTokenClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._library import TransformersModel, grouped, padded
from smallhub.runtimes._torch import exact
from smallhub.runtimes._types import TAGGER

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
