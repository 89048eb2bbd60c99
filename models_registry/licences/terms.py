"""The vocabulary of the records: what a clause of a licence can say, as one word and one sentence. Pure.

Every clause of every record is one of these. A sentence with {what} is filled in by the record: a name, a number.
"""

from dataclasses import dataclass

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy

Text = str | Promise

MAY, MUST, LIMIT, USE, OUTPUT, THRESHOLD, PATENT = "may", "must", "limit", "use", "output", "threshold", "patent"
# How a clause reads where it stands alone, by its group.
_SAID: dict[str, Text] = {
    MAY: gettext_lazy("You may: {text}"),
    MUST: gettext_lazy("You must: {text}"),
    LIMIT: gettext_lazy("You must not: {text}"),
    USE: gettext_lazy("You must not: {text}"),
}
GROUPS = (MAY, MUST, LIMIT, USE, OUTPUT, THRESHOLD, PATENT)


def _fill(text: Text, values: dict[str, Text]) -> str:
    return str(text).format(**values)


_fill_lazily = lazy(_fill, str)


def filled(text: Text, /, **values: Text) -> Text:
    """A text with its {blanks} filled in, in the language of whoever reads it."""
    return _fill_lazily(text, values)


def _lowered(text: Text) -> str:
    plain = str(text)
    return plain[:1].lower() + plain[1:]


# A sentence as it reads after a colon.
_within = lazy(_lowered, str)


@dataclass(frozen=True)
class Term:
    """One word of the vocabulary. `needs` is set where a record has to fill the sentence in."""

    key: str
    group: str
    sentence: Text

    @property
    def needs(self) -> bool:
        return "{what}" in str(self.sentence)

    def text(self, what: str = "") -> Text:
        return filled(self.sentence, what=what) if what else self.sentence

    def said(self, what: str = "") -> Text:
        """The sentence with what it is: a permission, a duty, or what is forbidden."""
        frame = _SAID.get(self.group)
        return filled(frame, text=_within(self.text(what))) if frame else self.text(what)


_MAY: dict[str, Text] = {
    "commercial-use": gettext_lazy("Use it commercially"),
    "use": gettext_lazy("Use it, for the purposes that it allows"),
    "modify": gettext_lazy("Change it, fine-tune it, build on it"),
    "distribute": gettext_lazy("Share it, changed or not"),
    "sublicense": gettext_lazy("Pass it on under terms of your own"),
    "database-rights": gettext_lazy("Take data out of it and use them again"),
    "results-free": gettext_lazy("Do as you like with what you compute from it, models among that"),
    "merge-closed": gettext_lazy("Build it into something whose source stays closed"),
}
_MUST: dict[str, Text] = {
    "keep-notice": gettext_lazy("Keep the copyright notice"),
    "include-text": gettext_lazy("Put the text of the licence beside it"),
    "attribute": gettext_lazy("Name the author and where it is from"),
    "state-changes": gettext_lazy("Say what you changed"),
    "same-licence": gettext_lazy("Share what you make of it under the same licence"),
    "same-licence-files": gettext_lazy("Share the files that you changed under the same licence"),
    "disclose-source": gettext_lazy("Give people the source of what you share"),
    "network-use": gettext_lazy("Give the source also to those who only use it over a network"),
    "keep-open-copy": gettext_lazy("Offer a copy without locks beside a locked one"),
    "no-locks": gettext_lazy("Put no technical locks on it"),
    "name-prefix": gettext_lazy("Begin the name of a model that you make with it with “{what}”"),
    "show-origin": gettext_lazy("Show “{what}” where people see it"),
    "keep-notice-file": gettext_lazy("Put a file with the notice “{what}” beside it"),
    "rename-changed": gettext_lazy("Give a changed version another name"),
    "pass-on-restrictions": gettext_lazy("Bind whoever gets it from you to the same forbidden uses"),
    "pass-on-terms": gettext_lazy("Bind whoever gets it from you to the same terms"),
    "no-extra-restrictions": gettext_lazy("Add no terms that take away what it allows"),
    "follow-policy": gettext_lazy("Follow its policy of use"),
    "use-latest": gettext_lazy("Try to use the latest version"),
    "produced-work-notice": gettext_lazy("Say in what you make from the data which database they are from"),
    "ask-licence": gettext_lazy("Ask for a licence of your own for anything else"),
    "publish-results": gettext_lazy("Make the results of your research public"),
    "report-misuse": gettext_lazy("Report misuse and mistakes to its author"),
    "follow-law": gettext_lazy("Keep the law, that on exports among it"),
    "no-endorsement": gettext_lazy("Do not let it seem that the author recommends you"),
    "no-false-origin": gettext_lazy("Do not mislead others about who made it and where it is from"),
    "advertising": gettext_lazy("Name the author in advertisements that speak of it"),
    "patent-peace": gettext_lazy("Do not sue over patents in it: your rights end if you do"),
    "legal-peace": gettext_lazy("Do not sue over rights in it: your rights end if you do"),
    "keep-safeguards": gettext_lazy("Keep its safeguards, or put ones as strong in their place"),
    "tell-generated": gettext_lazy("Say that what it made was made by a machine"),
}
_LIMIT: dict[str, Text] = {
    "no-commercial-use": gettext_lazy("Use it commercially"),
    "research-only": gettext_lazy("Use it for anything but research"),
    "no-derivatives": gettext_lazy("Share a changed version"),
    "no-distribution": gettext_lazy("Give it to others"),
    "no-training-of-others": gettext_lazy("Use it or what it says to improve another model that is not made from it"),
    "no-sale-alone": gettext_lazy("Sell it by itself"),
    "no-hosting": gettext_lazy("Sell it as a service over a network"),
    "no-region": gettext_lazy("Use it from {what}"),
    "no-competing": gettext_lazy("Use it to compete with its author"),
    "no-trademark": gettext_lazy("Use the author’s names and marks"),
    "no-patent-grant": gettext_lazy("Count on patents: it grants none"),
    "no-warranty": gettext_lazy("Count on a warranty"),
    "no-liability": gettext_lazy("Hold the author liable"),
    "no-reidentify": gettext_lazy("Try to find out who the people in the data are"),
    "no-data-redistribution": gettext_lazy("Give the data on"),
    "revocable": gettext_lazy("Count on keeping it: the author may end it if you break the terms"),
}
_USE: dict[str, Text] = {
    "use-law": gettext_lazy("Break the law with it"),
    "use-minors": gettext_lazy("Harm or exploit children with it"),
    "use-disinformation": gettext_lazy("Make false statements with it to harm others"),
    "use-personal-data": gettext_lazy("Make or spread personal data with it to harm somebody"),
    "use-undisclosed": gettext_lazy("Pass on what it made without saying that a machine made it"),
    "use-defame": gettext_lazy("Defame, belittle or harass others with it"),
    "use-impersonate": gettext_lazy("Pretend with it to be somebody else"),
    "use-automated-decisions": gettext_lazy("Let it decide alone about somebody’s rights or duties"),
    "use-discriminate": gettext_lazy("Discriminate against people or groups with it"),
    "use-exploit": gettext_lazy("Exploit somebody’s weakness with it"),
    "use-medical": gettext_lazy("Give medical advice or read medical results with it"),
    "use-justice": gettext_lazy("Use it in justice, policing, asylum or migration"),
    "use-legal-advice": gettext_lazy("Practise law, medicine or the like with it without a permit"),
    "use-military": gettext_lazy("Use it for weapons, war or the military"),
    "use-weapons": gettext_lazy("Make weapons, drugs or other dangerous things with it"),
    "use-surveillance": gettext_lazy("Watch people with it, or sort them by body or behaviour"),
    "use-malware": gettext_lazy("Make malware with it or break into computers"),
    "use-infrastructure": gettext_lazy("Run critical infrastructure or heavy machines with it"),
    "use-self-harm": gettext_lazy("Encourage self-harm or violence with it"),
    "use-sexual": gettext_lazy("Make sexual content with it"),
    "use-fraud": gettext_lazy("Deceive or defraud people with it"),
    "use-spam": gettext_lazy("Send spam with it or fake what people say"),
    "use-ip": gettext_lazy("Infringe the rights of others with it"),
    "use-bypass-safety": gettext_lazy("Go round its safeguards"),
    "use-human-rights": gettext_lazy("Infringe human rights with it"),
    "use-high-risk": gettext_lazy("Use it where a mistake can cost lives or rights"),
    "use-elections": gettext_lazy("Influence elections with it"),
}
_OUTPUT: dict[str, Text] = {
    "outputs-yours": gettext_lazy("The author claims no rights in what it makes"),
    "outputs-your-duty": gettext_lazy("You answer for what it makes"),
    "distillation-is-derivative": gettext_lazy("A model that is taught by its answers counts as made from it"),
    "outputs-keep-name": gettext_lazy("A model trained on its answers has a name that begins with “{what}”"),
    "outputs-no-training": gettext_lazy("Its answers may not improve other models"),
    "outputs-no-commercial": gettext_lazy("What it makes may not be used commercially"),
    "trained-models-bound": gettext_lazy("A model trained on the data is bound by their terms"),
    "results-free-output": gettext_lazy("Models trained on the data are free of their terms"),
}
_THRESHOLD: dict[str, Text] = {
    "monthly-users": gettext_lazy("With more than {what} monthly users you need a licence of your own"),
    "yearly-revenue": gettext_lazy("With a yearly revenue above {what} you need a licence of your own"),
    "commercial-licence": gettext_lazy("For commercial use you need a licence of your own: {what}"),
}
_PATENT: dict[str, Text] = {
    "patent-granted": gettext_lazy("Patents that it needs are granted with it"),
    "patent-excluded": gettext_lazy("Patents are left out"),
    "patent-silent": gettext_lazy("It says nothing of patents"),
}
_ALL: tuple[tuple[str, dict[str, Text]], ...] = (
    (MAY, _MAY),
    (MUST, _MUST),
    (LIMIT, _LIMIT),
    (USE, _USE),
    (OUTPUT, _OUTPUT),
    (THRESHOLD, _THRESHOLD),
    (PATENT, _PATENT),
)
TERMS: dict[str, Term] = {key: Term(key, group, text) for group, table in _ALL for key, text in table.items()}
