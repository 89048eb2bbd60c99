"""The words people read for ids that files carry: tasks, libraries, languages, licences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import get_language_info, gettext_lazy

from models_registry.licences import label

if TYPE_CHECKING:
    from models_registry.models import Repository

Text = str | Promise

TASKS: dict[str, Text] = {
    "text-generation": gettext_lazy("Text completion"),
    "text-classification": gettext_lazy("Text classification"),
    "sentence-similarity": gettext_lazy("Sentence vectors"),
    "feature-extraction": gettext_lazy("Feature vectors"),
    "token-classification": gettext_lazy("Named entities"),
    "translation": gettext_lazy("Translation"),
    "summarization": gettext_lazy("Summaries"),
    "question-answering": gettext_lazy("Question answering"),
    "fill-mask": gettext_lazy("Fill in the blank"),
    "text2text-generation": gettext_lazy("Text to text"),
    "automatic-speech-recognition": gettext_lazy("Speech to text"),
    "audio-classification": gettext_lazy("Audio classification"),
    "language-modeling": gettext_lazy("Language modelling"),
}


@dataclass(frozen=True)
class Pick:
    """A licence that the upload offers, in one sentence."""

    name: str
    says: Text


PICKS: dict[str, Pick] = {
    "apache-2.0": Pick(
        "Apache-2.0", gettext_lazy("Anyone may use, change and sell it. They keep your notice. Covers patents.")
    ),
    "mit": Pick("MIT", gettext_lazy("Anyone may do anything. They keep your notice. Says nothing of patents.")),
    "cc-by-sa-4.0": Pick("CC-BY-SA-4.0", gettext_lazy("Changes must be shared under the same licence.")),
    "cc-by-nc-4.0": Pick("CC-BY-NC-4.0", gettext_lazy("No commercial use. Shown as “not open” in searches.")),
    "bsd-3-clause": Pick("BSD-3-Clause", gettext_lazy("Like MIT; your name sells nothing.")),
    "bsd-2-clause": Pick("BSD-2-Clause", gettext_lazy("Like MIT, in fewer words.")),
    "cc0-1.0": Pick("CC0-1.0", gettext_lazy("You give up all rights.")),
    "unlicense": Pick("Unlicense", gettext_lazy("You give up all rights.")),
    "cc-by-4.0": Pick("CC-BY-4.0", gettext_lazy("Anyone may do anything, and names you.")),
    "gpl-3.0": Pick("GPL-3.0", gettext_lazy("What is built with it is shared the same way.")),
    "lgpl-3.0": Pick("LGPL-3.0", gettext_lazy("Changes to it are shared; programs around it need not be.")),
    "mpl-2.0": Pick("MPL-2.0", gettext_lazy("Changed files are shared; the rest need not be.")),
    "cc-by-nc-sa-4.0": Pick("CC-BY-NC-SA-4.0", gettext_lazy("No commercial use; share alike.")),
    "openrail": Pick("OpenRAIL", gettext_lazy("Open, with a list of uses that are forbidden.")),
}
# Codes that cards use and Django has no name for.
_LANGUAGES: dict[str, Text] = {"zh": gettext_lazy("Chinese"), "multilingual": gettext_lazy("several languages")}
FIRST_LICENCES = ("apache-2.0", "mit", "cc-by-sa-4.0", "cc-by-nc-4.0")


def languages(repository: "Repository") -> list[str]:
    """The languages that the card names, as the tags carry them."""
    return [tag.removeprefix("language:") for tag in repository.tags if tag.startswith("language:")]


def task_name(task: str) -> Text:
    """The word for a task; an unknown task is written as it stands."""
    return TASKS.get(task, task.replace("-", " "))


def licence_name(licence: str) -> str:
    """The usual spelling: "apache-2.0" → "Apache-2.0"."""
    return label(licence)


def language_name(code: str) -> str:
    """The name of a language in the reader's language, or the code where nobody here knows it."""
    if code.lower() in _LANGUAGES:
        return str(_LANGUAGES[code.lower()])
    try:
        return str(get_language_info(code.lower())["name_translated"])
    except KeyError:
        return code
