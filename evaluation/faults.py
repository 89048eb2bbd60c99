"""Why something could not be told: stable codes with a sentence each. What was raised stands in the log alone."""

import json

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from evaluation.benchmarks.definition import BadDefinition

DECLARATION, RECEIPT, BROKEN = "declaration", "receipt", "broken"
_COMPARISONS: dict[str, str | Promise] = {
    DECLARATION: gettext_lazy("A benchmark's declaration no longer holds."),
    RECEIPT: gettext_lazy("A receipt of one of them cannot be read."),
    BROKEN: gettext_lazy("The comparison failed inside the hub. The operator's log says why."),
}


def code_of(error: Exception) -> str:
    """The code of what a comparison broke over."""
    if isinstance(error, BadDefinition):
        return DECLARATION
    return RECEIPT if isinstance(error, json.JSONDecodeError) else BROKEN


def comparison_fault(code: str) -> str:
    """The sentence for people; "" without a fault. What is no code of ours was kept before there were codes."""
    return str(_COMPARISONS.get(code, _COMPARISONS[BROKEN])) if code else ""
