"""Plain questions that lead to a licence: what the answers ask for, which licences say just that, and what stands in
the way of each. Pure; no legal advice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from models_registry.licences import Conflict, Lineage, Record, find, judge

Text = str | Promise
YES, NO = "yes", "no"
SHOWN = 3
SELL, SHARE, CHANGE, USES, CREDIT = "sell", "share", "change", "uses", "credit"
DATA, MODEL = "data", "model"
# In the order in which they are suggested where several say the same.
_OF_MODELS = """Apache-2.0 MIT BSD-3-Clause MPL-2.0 AGPL-3.0-only GPL-3.0-only CC-BY-4.0 CC-BY-SA-4.0 openrail
    bigscience-openrail-m CC-BY-NC-4.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-NC-ND-4.0 Unlicense CC0-1.0""".split()
_OF_DATA = """CC-BY-4.0 CDLA-Permissive-2.0 ODC-By-1.0 CC0-1.0 PDDL-1.0 CC-BY-SA-4.0 ODbL-1.0 CC-BY-NC-4.0
    CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-NC-ND-4.0""".split()


@dataclass(frozen=True)
class Question:
    """One question with a yes, a no, and what hangs on it."""

    key: str
    text: Text
    yes: Text
    no: Text
    subjects: tuple[str, ...] = (MODEL, DATA)


QUESTIONS = (
    Question(
        SELL,
        _("May others use it commercially?"),
        _("Yes, also companies, also for money"),
        _("No, only without commercial ends"),
    ),
    Question(
        CHANGE,
        _("May others share changed versions of it?"),
        _("Yes, also fine-tuned ones"),
        _("No, only as it is"),
    ),
    Question(
        SHARE,
        _("Must changed versions be shared under the same terms?"),
        _("Yes, what is made from it stays as open"),
        _("No, that is up to who makes it"),
    ),
    Question(
        CREDIT,
        _("Must others keep your name on it?"),
        _("Yes, they name me or keep my notice"),
        _("No, I give up all rights"),
    ),
    Question(
        USES,
        _("Do you want to forbid uses, such as harming or deceiving people?"),
        _("Yes, and whoever passes it on must forbid them too"),
        _("No, the law is enough"),
        (MODEL,),
    ),
)


@dataclass(frozen=True)
class Suggestion:
    """One licence for these answers.

    Attributes:
        because: what it says on each question that was answered, in its own clauses.
        conflicts: what forbids it here: the terms of base models and data. It cannot be chosen lawfully then.
    """

    record: Record
    because: tuple[Text, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def is_possible(self) -> bool:
        return not self.conflicts


@dataclass(frozen=True)
class Suggestions:
    """What suits the answers; `given_up` are the questions whose answers no licence here can have with the others.

    `is_bounded`: what it was made from leaves none that suits them, and `fitting` is what it leaves.
    """

    fitting: tuple[Suggestion, ...] = ()
    blocked: tuple[Suggestion, ...] = ()
    given_up: tuple[Question, ...] = ()
    is_bounded: bool = False


def read_answers(given: Mapping[str, str], *, subject: str) -> dict[str, str]:
    """The answers among what a form sent: yes or no by question. Anything else was not answered."""
    asked = [question.key for question in QUESTIONS if subject in question.subjects]
    return {key: given[key] for key in asked if given.get(key) in (YES, NO)}


def suggest(answers: Mapping[str, str], *, subject: str, lineage: Lineage | None = None) -> Suggestions:
    """One to three licences that say what the answers ask for.

    Args:
        lineage: what it was made from; licences that this excludes come as `blocked`, with the clauses.
    """
    known = [record for record in map(find, _OF_DATA if subject == DATA else _OF_MODELS) if record]
    kept, given_up = dict(answers), []
    records = _that_say(known, kept)
    # Where nothing says it all, the wishes that matter least to others go first.
    for key in (CREDIT, USES, SHARE, CHANGE):
        if records or key not in kept:
            continue
        del kept[key]
        given_up += [question for question in QUESTIONS if question.key == key]
        records = _that_say(known, kept)
    found = [Suggestion(each, _because(each, kept), conflicts_of(each.id, lineage)) for each in records]
    fitting = [each for each in found if each.is_possible]
    is_bounded = not fitting and lineage is not None
    if is_bounded and lineage is not None:
        fitting = _possible(known, kept, lineage, {each.record for each in found})
    blocked = [each for each in found if not each.is_possible]
    return Suggestions(tuple(fitting[:SHOWN]), tuple(blocked[:SHOWN]), tuple(given_up), is_bounded)


def conflicts_of(licence: str, lineage: Lineage | None) -> tuple[Conflict, ...]:
    """What of the lineage speaks against this licence for the whole."""
    if lineage is None:
        return ()
    root = replace(lineage.parts[lineage.root], licence=licence)
    return judge(replace(lineage, parts={**lineage.parts, lineage.root: root})).conflicts


def _possible(
    known: Iterable[Record], answers: Mapping[str, str], lineage: Lineage, seen: set[Record]
) -> list[Suggestion]:
    """Licences that the lineage allows, those first that break the fewest wishes: the answers cannot all be had."""
    rest = [record for record in known if record not in seen and not conflicts_of(record.id, lineage)]
    names = judge(lineage).may_be if not rest else ()
    rest += [record for record in map(find, names) if record and record not in seen]
    rest.sort(key=lambda record: sum(_says(record, key) != wish for key, wish in answers.items()))
    return [Suggestion(record, _because(record, answers)) for record in rest]


def _that_say(known: Iterable[Record], answers: Mapping[str, str]) -> list[Record]:
    found = [each for each in known if all(_says(each, key) == wish for key, wish in answers.items())]
    plain = [each for each in found if USES in answers or not each.use_restrictions]
    return plain or found


def _says(record: Record, key: str) -> str:
    """How a licence answers one of the questions, by its clauses."""
    if key == SELL:
        return YES if not (record.has("no-commercial-use") or record.has("research-only")) else NO
    if key == CHANGE:
        return NO if record.has("no-derivatives") else YES
    if key == SHARE:
        return YES if record.has("same-licence") or record.has("same-licence-files") else NO
    if key == USES:
        return YES if record.use_restrictions else NO
    return YES if record.has("attribute") or record.has("keep-notice") or record.has("include-text") else NO


_SAYS: dict[tuple[str, str], Text] = {
    (SELL, YES): _("It lets others use it commercially."),
    (SELL, NO): _("It forbids commercial use."),
    (CHANGE, YES): _("It lets others share changed versions."),
    (CHANGE, NO): _("It forbids sharing changed versions."),
    (SHARE, YES): _("Changed versions must be shared under the same terms."),
    (SHARE, NO): _("Changed versions may have other terms."),
    (USES, YES): _("It names uses that are forbidden, and they are passed on."),
    (USES, NO): _("It forbids no uses."),
    (CREDIT, YES): _("Others keep your name or your notice."),
    (CREDIT, NO): _("Nobody has to name you."),
}


def _because(record: Record, answers: Mapping[str, str]) -> tuple[Text, ...]:
    return tuple(_SAYS[question.key, _says(record, question.key)] for question in QUESTIONS if question.key in answers)
