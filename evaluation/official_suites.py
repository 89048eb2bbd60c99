"""The suites that the product speaks for: one for each task, and a pack for each domain.

A benchmark is named by its key; whoever shows a suite leaves out those that the hub does not have.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True)
class CardField:
    """What a card should tell in a domain: a key of its front matter, or a heading of the same words; and why."""

    field: str
    why: str


@dataclass(frozen=True)
class Suite:
    """Benchmarks that belong together. `task` is empty for a domain, `slice` for a task.

    Attributes:
        slice: the part of each benchmark's items that is of the domain, where the benchmark has slices.
        risk: what the scores do not tell, for somebody who buys.
    """

    id: str
    title: str
    about: str
    benchmarks: tuple[str, ...]
    task: str = ""
    slice: str = ""
    card_fields: tuple[CardField, ...] = ()
    risk: str = ""

    @property
    def is_domain(self) -> bool:
        return bool(self.slice)


_IN_EVERY_DOMAIN = tuple(
    """core-questions-en core-questions-zh core-tags-en core-tags-zh core-translation-en-zh core-translation-zh-en
    core-summaries-en core-turns-en core-turns-zh""".split()
)
_TASKS = (
    Suite(
        id="language",
        title=_("Language modelling"),
        about=_("Does it know how texts go on, and which sentence is right?"),
        benchmarks=(
            "core-text-en",
            "core-text-zh",
            "core-pairs-en",
            "core-pairs-zh",
            "blimp_sub50",
            "wikitext2",
            "lambada_openai",
            "tinyshakespeare",
        ),
        task="text-generation",
    ),
    Suite(
        id="choices",
        title=_("Plain reasoning"),
        about=_("Does it find the likelier of several endings?"),
        benchmarks=("piqa", "arc_easy", "winogrande", "copa"),
        task="text-generation",
    ),
    Suite(
        id="talks",
        title=_("Talks"),
        about=_("Does it follow who said what?"),
        benchmarks=("core-turns-en", "core-turns-zh", "mutual"),
        task="text-generation",
    ),
    Suite(
        id="programs",
        title=_("Programs"),
        about=_("Does what it writes run and pass tests?"),
        benchmarks=("core-programs", "humaneval", "mbpp"),
        task="text-generation",
    ),
    Suite(
        id="labels",
        title=_("Labelling texts"),
        about=_("Sentiment, topics, kinds of questions, spam."),
        benchmarks=(
            "core-sentiment-en",
            "core-sentiment-zh",
            "core-topic-en",
            "core-topic-zh",
            "sst2",
            "ag_news",
            "trec",
            "sms_spam",
            "fewclue_eprstmt",
            "fewclue_tnews",
        ),
        task="text-classification",
    ),
    Suite(
        id="names",
        title=_("Finding names"),
        about=_("Persons, places and organisations in sentences."),
        benchmarks=("core-tags-en", "core-tags-zh", "wnut17", "weibo_ner"),
        task="token-classification",
    ),
    Suite(
        id="questions",
        title=_("Answering from a text"),
        about=_("The answer as a span of the passage."),
        benchmarks=("core-questions-en", "core-questions-zh", "xquad_en", "xquad_zh", "cmrc2018"),
        task="question-answering",
    ),
    Suite(
        id="translation",
        title=_("Translation"),
        about=_("From one language into another."),
        benchmarks=(
            "core-translation-en-zh",
            "core-translation-zh-en",
            "wmt23_enzh",
            "multi30k_ende",
            "multi30k_enfr",
        ),
        task="translation",
    ),
    Suite(
        id="summaries",
        title=_("Summaries"),
        about=_("What a text comes to, in fewer words."),
        benchmarks=("core-summaries-en", "dialogsum", "csl_title"),
        task="summarization",
    ),
    Suite(
        id="similarity",
        title=_("Vectors of sentences"),
        about=_("Are like sentences near each other?"),
        benchmarks=("core-similarity-en", "core-similarity-zh", "stsb_en", "stsb_zh"),
        task="sentence-similarity",
    ),
    Suite(
        id="speech",
        title=_("Speech"),
        about=_("Does it write down what is said?"),
        benchmarks=("core-speech-en", "fsdd", "librivox5"),
        task="automatic-speech-recognition",
    ),
)
_DOMAINS = (
    Suite(
        id="healthcare",
        title=_("Healthcare"),
        about=_("For clinics, practices and pharmacies."),
        benchmarks=_IN_EVERY_DOMAIN,
        slice="healthcare",
        card_fields=(
            CardField("intended_use", _("Staff must know what it was made for, and that it is no doctor.")),
            CardField("out_of_scope", _("Doses, diagnoses and emergencies belong here unless they were tested.")),
            CardField("population", _("Whose texts it learnt from: ages, languages, kinds of care.")),
            CardField("data_origin", _("Patients' words need a lawful ground, and names must be gone.")),
            CardField("human_oversight", _("Who reads what it says before anybody acts on it.")),
            CardField("known_failures", _("What it got wrong in trials, in words that a nurse understands.")),
        ),
        risk=_(
            "A wrong word here can hurt somebody. These scores tell how well a model reads and writes "
            "short texts of the field; they say nothing about whether its advice is safe. Keep a person "
            "between the model and the patient, do not send it texts with names, and test it on your "
            "own cases first."
        ),
    ),
    Suite(
        id="finance",
        title=_("Finance"),
        about=_("For banks, insurers, bookkeepers and their customers."),
        benchmarks=_IN_EVERY_DOMAIN,
        slice="finance",
        card_fields=(
            CardField("intended_use", _("Sorting letters is one thing, deciding on a loan another.")),
            CardField(
                "out_of_scope", _("Credit, prices and advice to buy need rules that a small model does not know.")
            ),
            CardField("data_origin", _("Customers' papers need a lawful ground.")),
            CardField("data_until", _("Rates and rules change; say when its knowledge ends.")),
            CardField("fairness", _("Whether groups of people were treated alike, and how that was checked.")),
            CardField("audit", _("How a decision that it took part in can be traced later.")),
        ),
        risk=_(
            "Money decisions must be explained afterwards. These scores do not show that a model "
            "calculates well or treats people alike. Small models make up numbers with ease: take "
            "figures from your books, not from its answers, and keep its inputs and version with each "
            "decision."
        ),
    ),
    Suite(
        id="education",
        title=_("Education"),
        about=_("For schools, teachers and learners."),
        benchmarks=(*_IN_EVERY_DOMAIN, "core-programs"),
        slice="education",
        card_fields=(
            CardField("intended_use", _("For whom: teachers preparing a lesson, or children by themselves.")),
            CardField("age_range", _("What is fit for fifteen is not for seven.")),
            CardField("language_level", _("How hard its sentences are.")),
            CardField("data_origin", _("Pupils' work and names need consent.")),
            CardField("known_failures", _("Which subjects it gets wrong with confidence.")),
        ),
        risk=_(
            "Children believe what is written well. A small model is often wrong in good grammar: let "
            "it practise with pupils, not mark them. It does not know whom it talks to; do not let "
            "young children use it alone, and keep what they write off the training data unless their "
            "parents agreed."
        ),
    ),
    Suite(
        id="retail",
        title=_("Retail"),
        about=_("For shops, markets and their service desks."),
        benchmarks=(*_IN_EVERY_DOMAIN, "core-sentiment-en", "core-sentiment-zh"),
        slice="retail",
        card_fields=(
            CardField("intended_use", _("Sorting complaints, or answering them.")),
            CardField("out_of_scope", _("Promises about prices, refunds and safety of goods.")),
            CardField("data_origin", _("Reviews and chats belong to those who wrote them.")),
            CardField("data_until", _("Goods and prices change; say when its knowledge ends.")),
        ),
        risk=_(
            "What a model says to a customer may bind the shop. Let it find the rule and quote it "
            "rather than make one up. Praise and complaints differ by goods and by country: test it on "
            "your own reviews before its counts steer an order."
        ),
    ),
    Suite(
        id="law",
        title=_("Law"),
        about=_("For offices, courts, unions and people with a letter in their hands."),
        benchmarks=_IN_EVERY_DOMAIN,
        slice="law",
        card_fields=(
            CardField("intended_use", _("Finding a clause, or saying what it means.")),
            CardField("out_of_scope", _("Advice in a case, deadlines, and other countries' law.")),
            CardField("jurisdiction", _("Law ends at a border; say which one it read.")),
            CardField("data_until", _("A statute that was changed since is a trap.")),
            CardField("confidentiality", _("Where its inputs go, and who can read them.")),
            CardField("known_failures", _("Whether it invents clauses and cases, and how often.")),
        ),
        risk=_(
            "A model reads words, not law. It may leave out the one exception that decides a case, or "
            "quote a clause that does not exist. Use it to find places in a text that you then read "
            "yourself; deadlines and advice stay with people who answer for them."
        ),
    ),
)
SUITES: Mapping[str, Suite] = {suite.id: suite for suite in (*_TASKS, *_DOMAINS)}


def missing_fields(suite: Suite, *, metadata: Mapping[str, Any], text: str) -> list[CardField]:
    """The card fields that neither the front matter nor a heading of the card tells."""
    told = {_words(str(key)) for key, value in metadata.items() if value not in (None, "", [], {})}
    told |= {_words(heading) for heading in _HEADING.findall(text)}
    return [field for field in suite.card_fields if _words(field.field) not in told]


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
