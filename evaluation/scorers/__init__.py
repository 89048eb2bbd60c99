"""One implementation per scorer, none per set.

A scorer has two halves. `collect` asks the model and writes one row per item: raw outputs, rights, likelihoods.
`aggregate` turns rows into metrics without a model, so that a stored row file is enough to compute a score again.
"""

from __future__ import annotations

from evaluation.scorers import (
    answers,
    choice,
    classification,
    conditional,
    language,
    last_word,
    next_turn,
    pairs,
    probe,
    programs,
    similarity,
    speech,
    summaries,
    tagging,
    translation,
)
from evaluation.scorers.base import Aggregate, Call, NotScorable, Row, Scorer

SCORERS: dict[str, Scorer] = {
    scorer.name: scorer
    for scorer in (
        language.LanguageModelling(),
        language.PseudoLanguageModelling(),
        conditional.ConditionalLanguageModelling(),
        pairs.MinimalPairs(),
        pairs.PseudoMinimalPairs(),
        classification.Classify(),
        probe.Probe(),
        choice.MultipleChoice(),
        choice.PartialEvaluation(),
        next_turn.NextTurn(),
        last_word.LastWord(),
        tagging.Tagging(),
        answers.SpanAnswers(),
        answers.GeneratedAnswers(),
        translation.Translation(),
        summaries.Summaries(),
        similarity.Similarity(),
        speech.Speech(),
        programs.Programs(),
    )
}

__all__ = ["SCORERS", "Aggregate", "Call", "NotScorable", "Row", "Scorer"]
