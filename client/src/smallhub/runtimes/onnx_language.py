"""Language models as ONNX, with or without inputs for the keys and values of what was read before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smallhub._exceptions import Invalid, UnsupportedModel
from smallhub.runtimes._onnx_file import OnnxFile
from smallhub.runtimes._types import (
    BLOCK_TOKENS,
    LANGUAGE_MODEL,
    Generation,
    Likelihood,
    PrefixRule,
    check_generation,
    end_of_prompt,
)
from smallhub.runtimes.ngram import choose
from smallhub.runtimes.onnx_models import OnnxModel

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

# Tokens that part documents and are no marker of a chat's roles, most usual first.
_SEPARATORS = ("<|endoftext|>", "<|end_of_document|>", "<|endofdocument|>")
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxLanguageModel(OnnxModel):
    """Predicts each token from those before it."""

    allows_past = True

    def __init__(self, folder: Path, file: Path, declared: OnnxFile, *, threads: int | None) -> None:
        super().__init__(folder, file, declared, threads=threads)
        self.task = "text-generation"
        self.capabilities = LANGUAGE_MODEL
        self.block_tokens = min(self.context_length or BLOCK_TOKENS, BLOCK_TOKENS)
        self._logits = self._output("logits")
        self._past = [name for name in self.inputs if name.startswith("past_key_values.")]
        present = [name.replace("past_key_values.", "present.") for name in self._past]
        if missing := [name for name in present if name not in self.outputs]:
            raise UnsupportedModel("unknown_output", f"The graph wants a past, but does not give {missing[0]!r}.")
        self._present = present

    def description(self) -> dict[str, Any]:
        """Facts as JSON, with the prefix token of both rules."""
        return super().description() | {
            "prefix_token": self.prefix_token("document_separator"),
            "prefix_token_harness": self.prefix_token("harness"),
            "block_tokens": self.block_tokens,
            "has_cache": bool(self._past),
        }

    def prefix_token(self, rule: PrefixRule) -> dict[str, Any] | None:
        """What the first token of a text is predicted from; None if the vocabulary has nothing that would do."""
        number = None
        if rule == "document_separator":
            found = (self.tokenizer.token_to_id(name) for name in _SEPARATORS)
            number = next((each for each in found if each is not None), None)
        for candidate in (self.config.get("bos_token_id"), *self._ends()):
            number = candidate if number is None and type(candidate) is int else number
        return None if number is None else {"text": self.tokenizer.id_to_token(number), "id": number, "rule": rule}

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score texts in blocks.

        Raises:
            UnsupportedModel: the vocabulary has no begin and no end, so nothing can stand before a text.
        """
        token = self.prefix_token(prefix)
        if token is None:
            raise UnsupportedModel("no_prefix_token", "config.json has neither a begin nor an end token.")
        encoded = [self.encode(text) for text in texts]
        size = self.block_tokens
        blocks = [(n, ids[at : at + size]) for n, ids in enumerate(encoded) for at in range(0, len(ids), size)]
        sums = np.zeros(len(texts))
        for group in self.groups([ids for _, ids in blocks]):
            rows = [[token["id"], *blocks[place][1][:-1]] for place in group]
            logits = self._all_logits(rows)
            for row, place in enumerate(group):
                number, ids = blocks[place]
                sums[number] += float(_log_softmax(logits[row, : len(ids)])[np.arange(len(ids)), ids].sum())
        unknown = self.tokenizer.token_to_id(str(getattr(self.tokenizer.model, "unk_token", None) or ""))
        return [
            Likelihood(float(total), len(ids), 0 if unknown is None else ids.count(unknown))
            for ids, total in zip(encoded, sums, strict=True)
        ]

    def next_log_probs(self, texts: Sequence[str]) -> FloatArray:
        """Log-probabilities of the next token; shape (texts, vocabulary)."""
        rows = [self._prompt(text) for text in texts]
        for row in rows:
            self._check_length(row, 0)
        if not rows:
            return np.zeros((0, self.description()["vocabulary_size"]), dtype=np.float32)
        logits = self._all_logits(rows)
        last = np.array([logits[number, len(row) - 1] for number, row in enumerate(rows)])
        return np.asarray(_log_softmax(last), dtype=np.float32)

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
        start = self._prompt(prompt)
        self._check_length(start, 1 if max_new_tokens else 0)
        return self._go_on(start, max_new_tokens, temperature=temperature, seed=seed, use_cache=use_cache)

    def continue_greedily(
        self, texts: Sequence[str], *, max_new_tokens: int, stops: Sequence[str] = ()
    ) -> list[Generation]:
        """Go on with many texts, one by one, each as `generate` does, but for beginnings that do not fit."""
        check_generation(max_new_tokens=max_new_tokens, temperature=0.0)
        found = []
        for text in texts:
            kept, cut = end_of_prompt(self._prompt(text), self.context_length)
            found.append(replace(self._go_on(kept, max_new_tokens), cut_tokens=cut))
        return found

    def _go_on(
        self,
        start: list[int],
        max_new_tokens: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        room = max_new_tokens if self.context_length is None else self.context_length - len(start)
        ids, fresh, past, is_ended = start, start, self._no_past(1), False
        keeps = use_cache and bool(self._past)
        rng, ends = np.random.default_rng(seed), set(self._ends())
        for _ in range(min(max_new_tokens, room)):
            given = {"input_ids": np.array([fresh], dtype=np.int64), "attention_mask": np.ones((1, len(ids)), np.int64)}
            logits, *present = self.compute(given | past, [self._logits, *(self._present if keeps else [])])
            past = dict(zip(self._past, present, strict=True)) if keeps else past
            chosen = choose(_log_softmax(logits[0, -1]), temperature=temperature, rng=rng)
            is_ended = chosen in ends
            if is_ended:
                break
            ids = [*ids, chosen]
            fresh = [chosen] if keeps else ids
        before = self.tokenizer.decode(start, skip_special_tokens=True)
        whole = self.tokenizer.decode(ids, skip_special_tokens=True)
        text = whole[len(before) :] if whole.startswith(before) else self.tokenizer.decode(ids[len(start) :])
        return Generation(text, tuple(ids[len(start) :]), "stop" if is_ended else "length", len(start))

    def _all_logits(self, rows: Sequence[Sequence[int]]) -> Any:
        """Padding stands on the right, where attention that looks back does not see it."""
        longest = max(map(len, rows))
        ids, mask = np.zeros((len(rows), longest), np.int64), np.zeros((len(rows), longest), np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        given = {"input_ids": ids, "attention_mask": mask} | self._no_past(len(rows))
        return self.compute(given, [self._logits])[0]

    def _no_past(self, rows: int) -> dict[str, Any]:
        """An empty past: the third axis, the length, is 0."""
        found = {}
        for name in self._past:
            shape = self.inputs[name].shape
            if len(shape) != 4 or type(shape[1]) is not int or type(shape[3]) is not int:
                raise UnsupportedModel("unknown_input", f"The graph's {name!r} has the shape {shape}.")
            found[name] = np.zeros((rows, shape[1], 0, shape[3]), dtype=_TYPES.get(self.inputs[name].type, np.float32))
        return found

    def _ends(self) -> list[int]:
        ends = self.config.get("eos_token_id")
        return [number for number in (ends if isinstance(ends, list) else [ends]) if type(number) is int]

    def _prompt(self, text: str) -> list[int]:
        ids = list(self.tokenizer.encode(text).ids)
        if not ids and (token := self.prefix_token("document_separator")):
            ids = [token["id"]]
        if not ids:
            raise Invalid("The prompt is empty, and the model has no token to begin with.", code="empty_prompt")
        return ids

    def _check_length(self, ids: list[int], room: int) -> None:
        if self.context_length is not None and len(ids) + room > self.context_length:
            raise Invalid(
                f"The prompt has {len(ids)} tokens; the context holds {self.context_length}.",
                code="prompt_too_long",
                tokens=len(ids),
                context_length=self.context_length,
            )


def _log_softmax(logits: Any) -> Any:
    values = np.asarray(logits, dtype=np.float64)
    values = values - values.max(axis=-1, keepdims=True)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))
