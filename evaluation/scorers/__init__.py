"""One implementation per scorer, none per set.

A scorer has two halves. `collect` asks the model and writes one row per item: raw outputs, rights, likelihoods.
`aggregate` turns rows into metrics without a model, so that a stored row file is enough to compute a score again.
"""

from __future__ import annotations

from evaluation.scorers import choice, classification, language, last_word, pairs, probe
from evaluation.scorers.base import Aggregate, Call, NotScorable, Row, Scorer

SCORERS: dict[str, Scorer] = {
    scorer.name: scorer
    for scorer in (
        language.LanguageModelling(),
        pairs.MinimalPairs(),
        classification.Classify(),
        probe.Probe(),
        choice.MultipleChoice(),
        choice.PartialEvaluation(),
        last_word.LastWord(),
    )
}

__all__ = ["SCORERS", "Aggregate", "Call", "NotScorable", "Row", "Scorer"]
