"""The words of a lineage: what a parent is to its child, and how much stands behind that."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from models_registry.models import LineageLink
from models_registry.services.lineage import Edge

RELATIONS: dict[str, str | Promise] = {
    "finetune": gettext_lazy("fine-tuned from"),
    "adapter": gettext_lazy("an adapter for"),
    "merge": gettext_lazy("merged from"),
    "quantized": gettext_lazy("quantised from"),
    "distilled": gettext_lazy("distilled from"),
    "trained_on": gettext_lazy("trained on"),
    "evaluated_on": gettext_lazy("tested on"),
    "part_of": gettext_lazy("contains"),
    "unknown": gettext_lazy("made from, nobody says how"),
}
CHILD_RELATIONS: dict[str, str | Promise] = {
    "finetune": gettext_lazy("fine-tune"),
    "adapter": gettext_lazy("adapter"),
    "merge": gettext_lazy("merge"),
    "quantized": gettext_lazy("quantised"),
    "distilled": gettext_lazy("distilled"),
    "trained_on": gettext_lazy("trained on it"),
    "part_of": gettext_lazy("contains it"),
    "unknown": pgettext_lazy("relation", "not said how"),
}
EVIDENCE: dict[str, str | Promise] = {
    "declared": pgettext_lazy("evidence", "declared"),
    "derived": pgettext_lazy("evidence", "from its files"),
    "weights": pgettext_lazy("evidence", "from its weights"),
    "verified": pgettext_lazy("evidence", "verified"),
    "contradicted": pgettext_lazy("evidence", "contradicted"),
}


def mark_of_row(row: LineageLink) -> str:
    """The mark of a link, a key of EVIDENCE: what its row says, but for what weights alone tell."""
    return "weights" if row.is_from_weights else str(row.evidence)


def mark_of(edge: Edge) -> str:
    """The same of a link as it may be told to whoever looks."""
    return "weights" if edge.row is not None and edge.row.is_from_weights else edge.evidence
