"""Extractive question answering: the span of a context that answers a question.

Long contexts are read in windows of 384 tokens that overlap by 128. Of each window the 20 best starts and ends are
paired; a span is at most 30 tokens long, or 50 characters in text that is mostly Chinese, Japanese or Korean, where
tokens and characters are about the same. The best sum of both logits over all windows wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModelForQuestionAnswering
from transformers.models.auto.modeling_auto import MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._explain import parts_of, reading
from smallhub.runtimes._gradients import explanation, merged, owners_of
from smallhub.runtimes._library import TransformersModel, grouped, padded
from smallhub.runtimes._torch import exact
from smallhub.runtimes._types import READER, Answer, Explanation, Method

WINDOW_TOKENS = 384
OVERLAP_TOKENS = 128
BEST = 20
LONGEST_TOKENS = 30
LONGEST_CHARACTERS = 50
_FIRST_IDEOGRAPH = "\u2e80"  # From here on: radicals, kana, hangul, ideographs.

_Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Window:
    """One row for the network. `offsets` has the span of each token of the context, None for all others."""

    question: int
    ids: list[int]
    types: list[int]
    offsets: list[tuple[int, int] | None]
    question_offsets: list[tuple[int, int] | None]


class ReaderModel(TransformersModel):
    """A model that points at answers."""

    auto_class = AutoModelForQuestionAnswering
    class_names = MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str]) -> None:
        super().__init__(network, tokenizer, dtypes)
        self.task = "question-answering"
        self.capabilities = READER
        if not tokenizer.is_fast:
            raise UnsupportedModel(
                "no_offsets", "The tokenizer cannot say where its pieces stand in the text; add a tokenizer.json."
            )
        self._has_types = "token_type_ids" in tokenizer.model_input_names

    def description(self) -> dict[str, Any]:
        """Facts as JSON, with how spans are found."""
        return super().description() | {
            "window_tokens": self._window_tokens(),
            "overlap_tokens": OVERLAP_TOKENS,
            "best": BEST,
            "longest_tokens": LONGEST_TOKENS,
            "longest_characters": LONGEST_CHARACTERS,
        }

    def answer(self, questions: Sequence[str], *, contexts: Sequence[str]) -> list[Answer]:
        """Find each question's answer; empty, at 0, where the context has no tokens at all."""
        windows = [
            window
            for number, (question, context) in enumerate(zip(questions, contexts, strict=True))
            for window in self._windows(number, question, context)
        ]
        found: dict[int, tuple[float, int, int]] = {}
        for group in grouped([len(window.ids) for window in windows]):
            chosen = [windows[place] for place in group]
            for window, (starts, ends) in zip(chosen, self._logits(chosen), strict=True):
                span = _best_span(window, starts, ends, by_characters=_is_cjk(contexts[window.question]))
                if span is not None and (window.question not in found or span[0] > found[window.question][0]):
                    found[window.question] = span
        answers = []
        for number, context in enumerate(contexts):
            score, start, end = found.get(number, (0.0, 0, 0))
            text = context[start:end]
            # Some tokenizers count the space before a word as the word's own.
            start, end = start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
            answers.append(Answer(context[start:end], start, max(start, end), score))
        return answers

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """Integrated gradients of the best span's score, in the window where it was found."""
        if method not in ("auto", "integrated_gradients") or target is not None:
            return None
        question, context = value["question"], value["context"]
        best: tuple[float, int, int, _Window] | None = None
        for window in self._windows(0, question, context):
            ((starts, ends),) = self._logits([window])
            span = _best_span(window, starts, ends, by_characters=_is_cjk(context))
            if span is not None and (best is None or span[0] > best[0]):
                best = (*span, window)
        if best is None:
            return None
        score, begin, stop, window = best
        first = next(at for at, span in enumerate(window.offsets) if span and span[0] == begin and span[1] > begin)
        last = max(at for at, span in enumerate(window.offsets) if span and span[1] == stop and span[1] > span[0])
        asked, read = parts_of(question), parts_of(context)
        shifted = [None if o is None else o + len(asked) for o in owners_of(window.offsets, read)]
        pairs = zip(owners_of(window.question_offsets, asked), shifted, strict=True)
        owners = [theirs if mine is None else mine for mine, theirs in pairs]

        def answer(embedded: torch.Tensor) -> torch.Tensor:
            inputs = {"inputs_embeds": embedded, "attention_mask": torch.ones(embedded.shape[:2], dtype=torch.long)}
            if self._has_types:
                inputs["token_type_ids"] = torch.tensor(window.types).expand(len(embedded), -1)
            output = self.network(**inputs)
            return output.start_logits[:, first] + output.end_logits[:, last]  # type: ignore[no-any-return]

        found = self.attributed(window.ids, [owner is not None for owner in owners], answer, expected=score)
        if found is None:
            return None
        shift = len(question) + 1
        spans = [*asked, *((start + shift, end + shift) for start, end in read)]
        attribution = merged(found, owners, len(spans))
        return explanation(attribution, reading(value), spans, target=context[begin:stop].strip(), measure="score")

    def _window_tokens(self) -> int:
        return min(self.context_length or WINDOW_TOKENS, WINDOW_TOKENS)

    def _windows(self, number: int, question: str, context: str) -> Iterator[_Window]:
        """Rows that together cover the context. A question that leaves it no room is cut to half a window."""
        size = self._window_tokens()
        specials = self.tokenizer.num_special_tokens_to_add(pair=True)
        question_ids = self.encode(question)
        room = size - specials - len(question_ids)
        if room < 2:
            question = self.decode(question_ids[: max(1, (size - specials) // 2)])
            room = max(2, size - specials - len(self.encode(question)))
        rows = self.tokenizer(
            question,
            context,
            truncation="only_second",
            max_length=size,
            stride=min(OVERLAP_TOKENS, room // 2),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        for place in range(len(rows["input_ids"])):
            parts = rows.sequence_ids(place)
            spans = rows["offset_mapping"][place]
            sides = [
                [tuple(span) if part == side else None for span, part in zip(spans, parts, strict=True)]
                for side in (1, 0)
            ]
            yield _Window(number, rows["input_ids"][place], rows["token_type_ids"][place], *sides)

    def _logits(self, windows: list[_Window]) -> list[tuple[_Scores, _Scores]]:
        ids, mask = padded([window.ids for window in windows], fill=self.tokenizer.pad_token_id or 0)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if self._has_types:
            inputs["token_type_ids"], _ = padded([window.types for window in windows])
        with exact():
            output = self.network(**inputs)
            starts, ends = output.start_logits.double().numpy(), output.end_logits.double().numpy()
        return [(starts[row, : len(window.ids)], ends[row, : len(window.ids)]) for row, window in enumerate(windows)]


def _best_span(
    window: _Window, starts: _Scores, ends: _Scores, *, by_characters: bool
) -> tuple[float, int, int] | None:
    """The best span of one window as (score, start, end) in code points; None if the window has no context in it."""
    places = [place for place, span in enumerate(window.offsets) if span is not None and span[1] > span[0]]
    if not places:
        return None
    # Sorted stably, so that of equals the earlier one comes first.
    first = sorted(places, key=lambda place: -starts[place])[:BEST]
    last = sorted(places, key=lambda place: -ends[place])[:BEST]
    best: tuple[float, int, int] | None = None
    for start in first:
        for end in last:
            left, right = window.offsets[start], window.offsets[end]
            if end < start or left is None or right is None:
                continue
            if by_characters and right[1] - left[0] > LONGEST_CHARACTERS:
                continue
            if not by_characters and end - start + 1 > LONGEST_TOKENS:
                continue
            score = float(starts[start] + ends[end])
            if best is None or score > best[0]:
                best = (score, left[0], right[1])
    return best or (float(starts[first[0]] + ends[first[0]]), *_span_of(window, first[0]))


def _span_of(window: _Window, place: int) -> tuple[int, int]:
    span = window.offsets[place]
    return span if span is not None else (0, 0)


def _is_cjk(text: str) -> bool:
    """Whether more than half of the letters are Chinese, Japanese or Korean."""
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(character >= _FIRST_IDEOGRAPH for character in letters) > len(letters)
