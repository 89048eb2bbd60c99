"""Licences: what their texts say, how cards declare them, and what may be made from what. Pure; no legal advice.

`find` and `records` give what is known of a licence, `parse` reads what somebody declared, `judge` walks a lineage.
"""

from models_registry.licences.classes import (
    CLASSES,
    COPYLEFT,
    NON_COMMERCIAL,
    PERMISSIVE,
    RESTRICTED,
    UNKNOWN,
)
from models_registry.licences.expressions import Expression, declared, label, licence_class, parse
from models_registry.licences.judgement import Conflict, Judgement, Obligation, Side, Step, Unknown
from models_registry.licences.judging import judge
from models_registry.licences.lineage import EVIDENCE, RELATIONS, Lineage, LineageCycle, Link, Part
from models_registry.licences.records import Clause, Record, RecordFault, find, records, spdx_ids
from models_registry.licences.rules import RULES, Rule
from models_registry.licences.terms import TERMS, Term

__all__ = [
    "CLASSES",
    "COPYLEFT",
    "EVIDENCE",
    "NON_COMMERCIAL",
    "PERMISSIVE",
    "RELATIONS",
    "RESTRICTED",
    "RULES",
    "TERMS",
    "UNKNOWN",
    "Clause",
    "Conflict",
    "Expression",
    "Judgement",
    "Lineage",
    "LineageCycle",
    "Link",
    "Obligation",
    "Part",
    "Record",
    "RecordFault",
    "Rule",
    "Side",
    "Step",
    "Term",
    "Unknown",
    "declared",
    "find",
    "judge",
    "label",
    "licence_class",
    "parse",
    "records",
    "spdx_ids",
]
