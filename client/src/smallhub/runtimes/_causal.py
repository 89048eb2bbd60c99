"""Scoring by causal language models: whole texts, continuations, windows; and going on with many texts at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from smallhub._exceptions import Invalid, UnsupportedModel
from smallhub.runtimes._continuing import RULE as GREEDY_RULE
from smallhub.runtimes._continuing import Continuer, Row
from smallhub.runtimes._scoring import RULE, Asked, Found, PackedScorer
from smallhub.runtimes._streams import Streams
from smallhub.runtimes._types import (
    Continued,
    Finish,
    Generation,
    Likelihood,
    Model,
    PrefixRule,
    border,
    check_generation,
    end_of_prompt,
)

_HARNESS_LIMIT = 2048  # What the public harness takes for the context of a model that names none.


class CausalScoring(Model):
    """What a causal network with a tokenizer of the transformers library can say of texts."""

    network: Any
    tokenizer: Any
    context_length: int | None
    block_tokens: int

    @abstractmethod
    def prefix_token(self, rule: PrefixRule) -> dict[str, Any] | None:
        """What the first token of a text is predicted from."""

    def scoring_rules(self) -> dict[str, Any]:
        """Facts about how texts are scored, for the description."""
        return {
            "batch_rule": RULE,
            "shares_beginnings": self._scorer.shares_beginnings,
            "greedy_rule": GREEDY_RULE,
            "continuation_rule": "context and continuation tokenised together, nothing before the context",
        }

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score texts in blocks.

        Raises:
            UnsupportedModel: the vocabulary has no begin and no end, so nothing can stand before a text.
        """
        first = self._prefix_id(prefix)
        encoded = [self.encode(text) for text in texts]
        parts = [
            [Asked((first, *ids[at : at + self.block_tokens]), 1) for at in range(0, len(ids), self.block_tokens)]
            for ids in encoded
        ]
        return self._summed(encoded, parts)

    def rolling_log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "harness") -> list[Likelihood]:
        """Score texts in windows of the whole context.

        Raises:
            UnsupportedModel: the vocabulary has no begin and no end, so nothing can stand before a text.
        """
        first = self._prefix_id(prefix)
        encoded = [self._natural(text) for text in texts]
        return self._summed(encoded, [list(_windows(ids, first, self._limit)) for ids in encoded])

    def continuation_log_likelihood(
        self, contexts: Sequence[str], *, continuations: Sequence[str], prefix: PrefixRule = "document_separator"
    ) -> list[Continued]:
        """Score continuations given their contexts, as the public harness tokenises them.

        Raises:
            Invalid: a continuation alone is longer than the context.
            UnsupportedModel: a context is empty, and no token can stand in its place.
        """
        pairs = [border(*pair) for pair in zip(contexts, continuations, strict=True)]
        heads = {context: self._natural(context) if context else [] for context, _ in pairs}
        asked, facts = [], []
        for context, continuation in pairs:
            head = heads[context]
            whole = self._natural(context + continuation) if context else self.encode(continuation)
            is_merged = whole[: len(head)] != head
            after = whole[len(head) :]
            before = head or ([] if not after else [self._prefix_id(prefix)])
            if before == after[:1] and not head:
                after = after[1:]  # The continuation brings the prefix token itself; the harness asks it only once.
            asked.append(self._fitted(before, after))
            facts.append((len(after), is_merged, len(before) + len(after) - len(asked[-1].ids)))
        found = self._continuer.behind(asked)
        others = [one for one in asked if one not in found]
        found |= dict(zip(others, self._score(others), strict=True))
        return [
            Continued(found[one].log_prob, tokens, is_greedy=found[one].is_greedy, is_merged=is_merged, cut_tokens=cut)
            for one, (tokens, is_merged, cut) in zip(asked, facts, strict=True)
        ]

    def continue_greedily(
        self, texts: Sequence[str], *, max_new_tokens: int, stops: Sequence[str] = ()
    ) -> list[Generation]:
        """Go on with many texts side by side, each as `generate` does, but for beginnings that do not fit."""
        check_generation(max_new_tokens=max_new_tokens, temperature=0.0)
        rows: dict[str, Row] = {}
        left_out: dict[str, int] = {}
        for text in texts:
            if text not in rows:
                ids, left_out[text] = end_of_prompt(self._prompt_ids(text), self.context_length)
                room = max_new_tokens if self.context_length is None else self.context_length - len(ids)
                rows[text] = Row(ids, min(max_new_tokens, room))
        is_cut = (lambda row: _holds(self._said(row), stops)) if stops else None
        self._continuer.go_on(list(rows.values()), ends=self._stop_ids, is_cut=is_cut)
        found = {
            text: self._go_on(row.ids, max_new_tokens) if row.is_close else self._generation(row)
            for text, row in rows.items()
        }
        return [replace(found[text], cut_tokens=left_out[text]) for text in texts]

    def _generation(self, row: Row) -> Generation:
        finish: Finish = "stop" if row.has_ended or row.is_cut else "length"
        return Generation(self._said(row), tuple(row.new), finish, len(row.ids))

    def _said(self, row: Row) -> str:
        return self._new_text(row.ids, [*row.ids, *row.new])

    # What the class that mixes this in has: prompts as the tokenizer begins texts, and when to stop.
    _stop_ids: frozenset[int]

    @abstractmethod
    def _prompt_ids(self, text: str) -> list[int]:
        """Ids of a prompt; never none at all."""

    @abstractmethod
    def _go_on(self, prompt_ids: list[int], max_new_tokens: int) -> Generation:
        """Go on with a prompt of these ids, alone, by the likeliest tokens."""

    @abstractmethod
    def _new_text(self, prompt_ids: list[int], ids: list[int]) -> str:
        """What was added to a prompt."""

    @cached_property
    def _scorer(self) -> PackedScorer:
        return PackedScorer(self.network, self._streams)

    @cached_property
    def _continuer(self) -> Continuer:
        return Continuer(self.network, self._streams)

    @cached_property
    def _streams(self) -> Streams:
        return Streams(self.network)

    @property
    def _limit(self) -> int:
        return self.context_length or _HARNESS_LIMIT

    def _natural(self, text: str) -> list[int]:
        """Ids of a text as the tokenizer itself begins texts, but never with two begin tokens."""
        begin = self.tokenizer.bos_token or self.tokenizer.eos_token
        if begin and text.startswith(begin):
            return self.encode(text)
        return [int(number) for number in self.tokenizer.encode(text, verbose=False)]

    def _prefix_id(self, rule: PrefixRule) -> int:
        token = self.prefix_token(rule)
        if token is None:
            raise UnsupportedModel("no_prefix_token", "The tokenizer has neither a begin nor an end token.")
        return int(token["id"])

    def _fitted(self, before: list[int], after: list[int]) -> Asked:
        """Context and continuation, without what of the context's beginning does not fit."""
        if len(after) > self._limit:
            raise Invalid(
                f"A continuation of {len(after)} tokens is longer than the context of {self._limit}.",
                code="continuation_too_long",
            )
        ids = (*before, *after)[-(self._limit + 1) :]
        return Asked(ids, len(ids) - len(after))

    def _summed(self, encoded: list[list[int]], parts: list[list[Asked]]) -> list[Likelihood]:
        """Likelihoods of texts from those of their parts."""
        found = iter(self._score([one for group in parts for one in group]))
        unknown = self.tokenizer.unk_token_id
        return [
            Likelihood(sum(next(found).log_prob for _ in group), len(ids), sum(number == unknown for number in ids))
            for ids, group in zip(encoded, parts, strict=True)
        ]

    def _score(self, asked: list[Asked]) -> list[Found]:
        return self._scorer.score(asked)


def _windows(ids: list[int], first: int, limit: int) -> Iterator[Asked]:
    """The harness' windows: one behind the prefix token, then each behind what comes before, the last one full."""
    if not ids:
        return
    yield Asked((first, *ids[:limit]), 1)
    for at in range(limit, len(ids), limit):
        end = min(at + limit, len(ids))
        yield Asked(tuple(ids[end - limit - 1 : end]), limit + 1 - (end - at))


def _holds(text: str, stops: Sequence[str]) -> bool:
    """Whether the first stop in a text is known: nothing that is still to come could be an earlier one.

    Stops in front of the first letter do not count, for some ask only for what follows it.
    """
    settled = text.lstrip().rstrip("\ufffd")  # A character may still be cut at the end.
    places = [place for stop in stops if (place := settled.find(stop)) >= 0]
    return bool(places) and min(places) + max(map(len, stops)) <= len(settled)
