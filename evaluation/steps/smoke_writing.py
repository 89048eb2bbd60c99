"""Smoke checks of encoder-decoders: they start as their files say, write something of their own, and come to an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluation.scorers.base import Model
from evaluation.steps.checks import Check, Run, failed, passed, warned
from evaluation.steps.inspect import Inspection

_TEXTS = 4
_LIMIT, _MORE = 32, 6
# Pairs that a model of many languages is likely to have, tried in this order.
_PAIRS = (("en", "de"), ("en", "zh"), ("en", "fr"), ("de", "en"), ("zh", "en"))


def languages_for(description: dict[str, Any]) -> dict[str, Any]:
    """The arguments that name a pair of languages, for models that have several; none for the others."""
    facts = description.get("description", {})
    known = [str(name).strip("_<>").lower() for name in facts.get("languages") or []]
    pairs = [name for name in facts.get("prefixes") or {} if str(name).startswith("translation_")]
    if len(pairs) > 1:
        source, _, target = str(pairs[0]).removeprefix("translation_").partition("_to_")
        return {"source": source, "target": target}
    if not known:
        return {}
    for source, target in _PAIRS:
        if all(any(name.startswith(code) for name in known) for code in (source, target)):
            return {"source": source, "target": target}
    return {"source": known[0], "target": known[-1]}


def start(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07: the decoder's start is defined, and something is written."""
    facts = session.description["description"]
    if facts.get("decoder_start_id") is None and not facts.get("languages"):
        return failed("S07", "forward", "No token is named for the decoder to start from.")
    written = _written(session, inspection, texts, outputs)
    empty = sum(not text.strip() for text in written)
    said = f"{empty} of {len(written)} fixed texts are answered by nothing."
    if empty == len(written):
        return failed("S07", "forward", said, value=empty)
    return (warned if empty else passed)("S07", "forward", said, value=empty)


def batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08: the same text is written alone as beside longer ones."""
    chosen = texts["classifier"][: _TEXTS // 2]
    together = _written(session, inspection, texts, outputs)
    alone = [_write(session, inspection, [text], _LIMIT)[0] for text in chosen]
    changed = sum(a != b for a, b in zip(together, alone, strict=False))
    said = f"{changed} of {len(chosen)} fixed texts are answered differently in a batch."
    return (failed if changed else passed)("S08", "batch", said, value=changed)


def repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10: two runs write the same."""
    again = _write(session, inspection, texts["classifier"][:_TEXTS], _LIMIT)
    if again != _written(session, inspection, texts, outputs):
        return failed("S10", "repeat", "Two equal runs write different texts.")
    return passed("S10", "repeat", "Two runs write equal texts.", value=0)


def stop(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S11: with more room nothing more is written: the end token came by itself."""
    chosen = texts["classifier"][:_TEXTS]
    longer = _write(session, inspection, chosen, _LIMIT + _MORE)
    endless = sum(a != b for a, b in zip(_written(session, inspection, texts, outputs), longer, strict=True))
    said = f"{endless} of {len(chosen)} answers go on at the limit of {_LIMIT} tokens."
    return (warned if endless else passed)("S11", "stop", said, value=endless)


def own_words(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S19: what is written is no copy of what was read."""
    chosen = texts["classifier"][:_TEXTS]
    written = _written(session, inspection, texts, outputs)
    copies = sum(text.strip().lower() == answer.strip().lower() for text, answer in zip(chosen, written, strict=True))
    said = f"{copies} of {len(chosen)} answers are copies of their source."
    return (warned if copies > 1 else passed)("S19", "own words", said, value=copies)


def _written(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> list[str]:
    """What it writes to the fixed texts, asked for once."""
    if "written" not in outputs:
        outputs["written"] = _write(session, inspection, texts["classifier"][:_TEXTS], _LIMIT)
    return list(outputs["written"])


def _write(session: Model, inspection: Inspection, texts: Sequence[str], limit: int) -> list[str]:
    if "translate" in inspection.capabilities:
        named = languages_for(session.description)
        return list(session.call("translate", texts=list(texts), max_new_tokens=limit, **named))
    return list(session.call("summarize", texts=list(texts), max_new_tokens=limit))


CHECKS: list[Run] = [start, batch, repeat, stop, own_words]
