"""Whether a benchmark can be run on a model: told from its declaration and from what the smoke test saw."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from evaluation.benchmarks.definition import BadDefinition, parse
from evaluation.benchmarks.fit import applies
from evaluation.models import Benchmark
from models_registry.labels import language_name

_EVERY_LANGUAGE = {"multilingual", "mul"}


# Encoder-decoders can do all of these by their form, and are trained for one.
_ONE_OF = frozenset({"translation", "summarization"})


def obstacle(benchmark: Benchmark, *, smoke: Mapping[str, Any], languages: Sequence[str], task: str = "") -> str:
    """Why this benchmark does not apply to a model, for people; "" if it does.

    Args:
        smoke: the smoke step's result: `capabilities`, and the model's own `description` with its `labels`.
        languages: those that the card declares; a card that declares none is asked everything.
        task: what the card says the model is for, or "".
    """
    described = smoke.get("description")
    labels = described.get("labels") if isinstance(described, dict) else None
    try:
        declared = parse(benchmark.definition)
    except BadDefinition as error:  # Registered under older rules.
        return gettext("Its declaration no longer holds: %(reason)s") % {"reason": str(error)}
    spoken = {language.lower().split("-")[0] for language in languages}
    asked = {language.lower().split("-")[0] for language in declared.language}
    if spoken and asked and not spoken & (asked | _EVERY_LANGUAGE):
        names = {"asked": _named(asked), "spoken": _named(spoken)}
        return gettext("It is in %(asked)s; the card declares %(spoken)s.") % names
    if declared.scorer == "translation" and len(spoken) > 1 and not (asked <= spoken or spoken & _EVERY_LANGUAGE):
        names = {"asked": _named(asked), "spoken": _named(spoken)}
        return gettext("It translates between %(asked)s; the card declares %(spoken)s.") % names
    if {declared.task, task} <= _ONE_OF and declared.task != task:
        return gettext("It is for %(wanted)s; the card says that the model is for %(task)s.") % {
            "wanted": declared.task,
            "task": task,
        }
    return applies(declared, _texts(smoke.get("capabilities")), _texts(labels)).reason


def _named(languages: Collection[str]) -> str:
    return ", ".join(language_name(language) for language in sorted(languages))


def _texts(value: Any) -> list[str]:
    """What came out of a sandbox, as the list of texts that it should be."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
