"""Masked language models: how likely a text is when each token is hidden once and predicted from all the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForMaskedLM
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._library import TransformersModel, grouped, padded
from smallhub.runtimes._torch import exact
from smallhub.runtimes._types import MASKED_MODEL, Likelihood


class MaskedModel(TransformersModel):
    """A model that fills in what is hidden."""

    auto_class = AutoModelForMaskedLM
    class_names = MODEL_FOR_MASKED_LM_MAPPING_NAMES

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str]) -> None:
        super().__init__(network, tokenizer, dtypes)
        self.task = "fill-mask"
        self.capabilities = MASKED_MODEL
        if tokenizer.mask_token_id is None:
            raise UnsupportedModel("no_mask_token", "The tokenizer has no mask token, so nothing can be hidden.")
        self._mask_id = int(tokenizer.mask_token_id)

    def description(self) -> dict[str, Any]:
        """Facts as JSON, with the token that hides others."""
        return super().description() | {"mask_token": {"text": self.tokenizer.mask_token, "id": self._mask_id}}

    def pseudo_log_likelihood(self, texts: Sequence[str]) -> list[Likelihood]:
        """Score texts. What is longer than the context is scored in blocks without overlap, each by itself."""
        encoded = [self.encode(text) for text in texts]
        hidden = [
            (number, row, place) for number, ids in enumerate(encoded) for row in self._blocks(ids) for place in row[1]
        ]
        sums = np.zeros(len(texts))
        vocabulary = int(self.network.config.vocab_size)
        for group in grouped([len(row[0]) for _, row, _ in hidden], numbers_per_token=vocabulary):
            chosen = [hidden[place] for place in group]
            values = self._predicted([(row[0], place) for _, row, place in chosen])
            for (number, _, _), value in zip(chosen, values, strict=True):
                sums[number] += value
        unknown = self.tokenizer.unk_token_id
        return [
            Likelihood(float(total), len(ids), sum(number == unknown for number in ids))
            for ids, total in zip(encoded, sums, strict=True)
        ]

    def _blocks(self, ids: list[int]) -> list[tuple[list[int], range]]:
        """Rows as the model takes them, special tokens around them, with the places of the text's own tokens."""
        before, after = self.surroundings()
        room = len(ids) if self.context_length is None else self.context_length - len(before) - len(after)
        if room < 1 and ids:
            raise UnsupportedModel("broken_config", "The context has no room for a token between the special ones.")
        blocks = [ids[start : start + room] for start in range(0, len(ids), max(1, room))]
        return [([*before, *block, *after], range(len(before), len(before) + len(block))) for block in blocks]

    def _predicted(self, rows: list[tuple[list[int], int]]) -> list[float]:
        """The log-probability of each row's token at its place, when that token is hidden."""
        masked = [[*ids[:place], self._mask_id, *ids[place + 1 :]] for ids, place in rows]
        ids, mask = padded(masked, fill=self.tokenizer.pad_token_id or 0)
        places = torch.tensor([place for _, place in rows])
        truth = torch.tensor([row[place] for row, place in rows])
        with exact():
            logits = self.network(input_ids=ids, attention_mask=mask).logits
            own = logits[torch.arange(len(rows)), places].double()
            values = own.gather(1, truth.unsqueeze(1)).squeeze(1) - torch.logsumexp(own, dim=-1)
            return [float(value) for value in values]
