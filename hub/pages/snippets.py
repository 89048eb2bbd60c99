"""How to use a repository, as lines to copy. Written for what it is, so that each line runs as it stands."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from models_registry import addresses
from models_registry.models import Kind, Repository
from models_registry.types import Listing

_CALLS = {
    "text-generation": 'model.generate("The lighthouse keeper", max_new_tokens=40).text',
    "text-classification": 'model.classify(["Warm, clever and over too soon."])',
    "sentence-similarity": 'model.embed(["a quiet harbour", "a calm port"])',
    "token-classification": 'model.tag([["Ada", "lives", "in", "London"]])',
    "question-answering": 'model.answer(["Who lives there?"], contexts=["Ada lives in London."])[0].text',
    "translation": 'model.translate(["A quiet harbour."])',
    "summarization": 'model.summarize(["A long report on a quiet harbour."])',
}
_CLASSES = {
    "text-generation": "AutoModelForCausalLM",
    "text-classification": "AutoModelForSequenceClassification",
    "sentence-similarity": "AutoModel",
    "feature-extraction": "AutoModel",
    "fill-mask": "AutoModelForMaskedLM",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "text2text-generation": "AutoModelForSeq2SeqLM",
    "translation": "AutoModelForSeq2SeqLM",
    "summarization": "AutoModelForSeq2SeqLM",
    "automatic-speech-recognition": "AutoModelForSpeechSeq2Seq",
}


@dataclass(frozen=True)
class Snippet:
    """One tab: its id, its name and the lines."""

    key: str
    name: str | Promise
    code: str


def of(repository: Repository, origin: str, listing: Listing) -> list[Snippet]:
    """The tabs that fit this repository.

    Args:
        origin: where this hub answers, such as http://127.0.0.1:8000.
    """
    name = repository.full_name
    clone = Snippet("git", "Git", _git(repository, origin))
    if repository.kind == Kind.DATASET:
        return [Snippet("datasets", "datasets", _datasets(name, origin)), _download(name, origin, "dataset"), clone]
    if repository.kind == Kind.APP:
        return [clone, _download(name, origin, "space")]
    found = [
        Snippet("python", "Python", _python(repository)),
        Snippet("shell", gettext_lazy("Shell"), f"export SMALLHUB_ENDPOINT={origin}\nsmallhub pull {name}"),
    ]
    if repository.library in {"transformers", "sentence-transformers"}:
        found.append(Snippet("transformers", "transformers", _transformers(repository, origin)))
    found += [clone, Snippet("http", "HTTP", _http(repository, origin, listing))]
    return found


def _git(repository: Repository, origin: str) -> str:
    """A clone, with what makes large files come along."""
    return f"git lfs install\ngit clone {origin}{addresses.page(repository)}"


def _download(name: str, origin: str, kind: str) -> Snippet:
    lines = f"export HF_ENDPOINT={origin}\nhf download {name} --repo-type {kind}"
    return Snippet("shell", gettext_lazy("Shell"), lines)


def _python(repository: Repository) -> str:
    call = _CALLS.get(repository.task, "")
    return "\n".join(
        ["import smallhub", "", f'model = smallhub.load("{repository.full_name}")', *([call] if call else [])]
    )


def _transformers(repository: Repository, origin: str) -> str:
    name = repository.full_name
    if repository.library == "sentence-transformers":
        lines = ["from sentence_transformers import SentenceTransformer", "", f'model = SentenceTransformer("{name}")']
    else:
        kind, reader = _CLASSES.get(repository.task, "AutoModel"), ("tokenizer", "AutoTokenizer")
        if repository.task == "automatic-speech-recognition":
            reader = ("processor", "AutoProcessor")
            if any(word.endswith("ForCTC") for word in repository.config.get("architectures", [])):
                kind = "AutoModelForCTC"
        lines = [
            f"from transformers import {', '.join(sorted([reader[1], kind]))}",
            "",
            f'{reader[0]} = {reader[1]}.from_pretrained("{name}")',
            f'model = {kind}.from_pretrained("{name}")',
        ]
    return "\n".join([f"# in the shell before: export HF_ENDPOINT={origin}", *lines])


def _datasets(name: str, origin: str) -> str:
    lines = [f"# in the shell before: export HF_ENDPOINT={origin}", "from datasets import load_dataset", ""]
    return "\n".join([*lines, f'data = load_dataset("{name}")'])


def _http(repository: Repository, origin: str, listing: Listing) -> str:
    """The manifest, then the largest file by its name."""
    name = repository.full_name
    lines = [f"curl {origin}/api/v1/repositories/models/{name}/manifest/{repository.default_branch}"]
    files = [entry for entry in listing.files.values() if not entry.path.startswith(".")]
    largest = max(files, key=lambda entry: entry.size, default=None)
    if largest is not None:
        lines.append(f"curl -LO {origin}{addresses.resolve(repository, repository.default_branch, largest.path)}")
    return "\n".join(lines)
