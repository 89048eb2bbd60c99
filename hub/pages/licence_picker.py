"""What chooses a licence, on whichever page it stands: its fields, plain questions, and what suits the answers."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from models_registry import licence_choice
from models_registry.exceptions import InvalidLicence
from models_registry.licence_choice import DATA, MODEL, QUESTIONS, Question, Suggestions
from models_registry.licences import CLASSES, Lineage, licence_class, parse, records
from models_registry.licences.lineage import EVALUATED_ON, Part
from models_registry.models import Kind
from models_registry.services.licensing import declaring
from models_registry.services.licensing.declaring import OTHER

TYPED = "typed"  # The choice that says: what is written in the field beside.
LATER = "later"  # The choice that leaves a draft, where a page offers it.
_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


class LicenceFields(forms.Form):
    """The licence that a form declares: one of the suggestions, one that was typed, or a text of one's own."""

    licence = forms.CharField(label=_("Licence"), max_length=declaring.MAX_LICENCE, required=False)
    typed = forms.CharField(
        label=_("Another licence"),
        max_length=declaring.MAX_LICENCE,
        required=False,
        help_text=_("An id such as mit, or an expression such as MIT OR Apache-2.0."),
        widget=forms.TextInput(attrs={"list": "known-licences", **_PLAIN}),
    )
    license_name = forms.CharField(label=_("Its name"), max_length=declaring.MAX_NAME, required=False)
    license_link = forms.CharField(
        label=_("Where its text is"),
        max_length=declaring.MAX_LINK,
        required=False,
        help_text=_("A link, or a file such as LICENSE. Left empty, it is LICENSE."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    confirmed = forms.BooleanField(label=_("It is spelt right"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.meant: dict[str, str] = {}

    @property
    def picked(self) -> str:
        """Which choice is marked: `other` for a text of one's own, however it was said."""
        given = str(self["licence"].value() or "")
        typed = str(self["typed"].value() or "").strip().lower()
        if typed == OTHER and given in {TYPED, ""}:
            return OTHER
        return given or (TYPED if typed and not self.is_bound else "")

    def clean(self) -> dict[str, Any]:
        """`wanted` is the expression that is declared; it is missing where none is, or where it is wrong."""
        data = super().clean() or {}
        picked, typed = str(data.get("licence") or ""), str(data.get("typed") or "").strip()
        text = typed if picked in {TYPED, ""} else "" if picked == LATER else picked
        if not text and picked != TYPED:
            return data
        try:
            found = declaring.checked(text)
        except InvalidLicence as error:
            self.add_error("typed", str(error))
            return data
        data["wanted"] = found
        if declaring.spelled(found) != OTHER:
            data["license_name"] = data["license_link"] = ""
        elif not str(data.get("license_name") or "").strip():
            self.add_error("license_name", gettext("A licence of your own needs a name."))
        elif not data.get("license_link"):
            data["license_link"] = declaring.TEXT_PATH
        self.meant = declaring.unknown_ids(found)
        if self.meant and not data.get("confirmed"):
            self.add_error("typed", self._not_known())
        return data

    def _not_known(self) -> str:
        lines = []
        for name, near in self.meant.items():
            text = (
                gettext("Nobody here knows “%(name)s”. Did you mean %(near)s?")
                if near
                else gettext("Nobody here knows “%(name)s”.")
            )
            lines.append(text % {"name": name, "near": near})
        return " ".join([*lines, gettext("Confirm it to declare it all the same: it counts as unknown then.")])


def picker_context(request: HttpRequest, subject: str, found: Lineage | None, *, declared: str = "") -> dict[str, Any]:
    """What the partials `_licence_*.html` show: the questions with the answers given, and what suits them.

    Args:
        found: what it was made from, or will be.
        declared: what is declared now, as long as nothing else was chosen.
    """
    given = request.GET if request.method != "POST" else request.POST
    answers = licence_choice.read_answers(given, subject=subject)
    suggestions = licence_choice.suggest(answers, subject=subject, lineage=found)
    return {
        "questions": [(each, answers.get(each.key, "")) for each in questions_for(subject)],
        "is_answered": bool(answers),
        "suggestions": suggestions,
        "cards": [(declaring.spelled(parse(each.record.id)), each) for each in suggestions.fitting],
        "picked": given.get("licence", ""),
        "base_names": _base_names(found, suggestions),
        "bases": _bases(found),
        "known": [(declaring.spelled(parse(record.id)), record.name) for record in records()],
        **_typed_against(given.get("typed", declared)[: declaring.MAX_LICENCE], given.get("licence", TYPED), found),
    }


def questions_for(subject: str) -> list[Question]:
    return [each for each in QUESTIONS if subject in each.subjects]


def subject_of(kind: str) -> str:
    return DATA if kind == Kind.DATASET else MODEL


def _bases(found: Lineage | None) -> list[tuple[Part, str]]:
    """What it is made from at once, each with the class of its licence in words ("" where it is not known)."""
    if found is None:
        return []
    above = [link.parent for link in found.links if link.child == found.root and link.relation != EVALUATED_ON]
    parts = [found.parts[key] for key in dict.fromkeys(above) if found.parts[key].name]
    return [(part, str(CLASSES[licence_class(part.licence)]) if part.licence else "") for part in parts]


def _base_names(found: Lineage | None, suggestions: Suggestions) -> list[tuple[str, str]]:
    """Parts whose terms are in the way of a suggestion: (name, licence)."""
    if found is None:
        return []
    keys = {side.key for each in suggestions.blocked for conflict in each.conflicts for side in conflict.sides}
    return [(part.name, part.licence) for key, part in found.parts.items() if key in keys and key != found.root]


def _typed_against(typed: str, picked: str, found: Lineage | None) -> dict[str, Any]:
    """What of the lineage contradicts the licence that was typed."""
    wanted = typed.strip() if picked == TYPED else ""
    if not wanted or found is None:
        return {}
    return {"typed_licence": wanted, "typed_conflicts": licence_choice.conflicts_of(wanted, found)}
