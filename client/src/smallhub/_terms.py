"""The terms of gated repositories: reading them, and accepting exactly what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._exceptions import Invalid, ServerError
from ._names import Kind, Reference

if TYPE_CHECKING:
    from ._http import Http

OPEN = {"open", "renew"}  # States in which the files are open.
DUE = {"needed", "renew", "lapsed"}  # States in which there is something to accept.


@dataclass(frozen=True, slots=True)
class Question:
    """What the owner wants to know. `options` are pairs of value and label, for the kind `select`."""

    name: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RepositoryTerms:
    """What people accept before they get the files of a repository.

    Attributes:
        state: open, needed, pending, rejected, renew (open, but a changed text is due) or lapsed.
        sha256: names exactly this text, its questions and the licence's text; None without a gate of its own.
        licence_text, licence_sha256: the text that is part of the terms, "" where there is none.
        sources: names of repositories that this was made from and whose terms are still to be accepted.
        url: where a person reads and accepts them.
    """

    repository: str
    state: str
    sha256: str | None
    version: int | None
    text: str
    questions: tuple[Question, ...]
    licence: str
    licence_text: str
    licence_sha256: str
    renew_by: str | None
    sources: tuple[str, ...]
    url: str

    @classmethod
    def read(cls, data: Any) -> RepositoryTerms:
        """From the hub's answer.

        Raises:
            ServerError: it is none.
        """
        try:
            licence = data["licence"] or {}
            parts = (data["heading"], data["description"], data["prompt"])
            return cls(
                repository=str(data["repository"]),
                state=str(data["state"]),
                sha256=data["sha256"],
                version=data["version"],
                text="\n\n".join(part for part in parts if part),
                questions=tuple(
                    Question(each["name"], each["kind"], tuple((a, b) for a, b in each["options"]))
                    for each in data["fields"]
                ),
                licence=str(licence.get("id", "")),
                licence_text=str(licence.get("text", "")),
                licence_sha256=str(licence.get("sha256", "")),
                renew_by=data["renew_by"],
                sources=tuple(each["repository"] for each in data["sources"] if each["state"] not in OPEN),
                url=str(data["url"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError("The hub's answer on terms cannot be read.", code="bad_terms") from error


class Terms:
    """Reads and accepts terms."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def read(self, reference: Reference) -> RepositoryTerms:
        """What a repository asks for, and how that stands with whose token this is."""
        return RepositoryTerms.read(self._http.call("GET", _path(reference)).data)

    def due(self, reference: Reference) -> Iterator[tuple[Reference, RepositoryTerms]]:
        """All terms that are still to be accepted for a repository's files: of what it was made from, then its own."""
        own = self.read(reference)
        for name in own.sources:
            where = Reference.parse(name, kind="model")
            source = self.read(where)
            if source.state in DUE:
                yield where, source
        if own.state in DUE:
            yield reference, own

    def accept(
        self,
        reference: Reference,
        *,
        sha256: str,
        answers: Mapping[str, Any] | None = None,
        organization: str | None = None,
    ) -> dict[str, Any]:
        """Accept the text of that hash; another one is refused. Sent twice, it is done once."""
        body = {"sha256": sha256, "answers": dict(answers or {}), "organization": organization}
        return dict(self._http.call("POST", _path(reference), json_body=body).data)


def terms(name: str, *, kind: Kind | None = None) -> RepositoryTerms:
    """What people accept before they get the files of a gated repository."""
    from ._client import Hub

    with Hub() as hub:
        return hub.terms.read(Reference.parse(name, kind=kind))


def accept(
    name: str,
    *,
    sha256: str,
    answers: Mapping[str, Any] | None = None,
    organization: str | None = None,
    kind: Kind | None = None,
) -> dict[str, Any]:
    """Accept the terms of a gated repository and ask for its files; returns `state` and the address of the receipt.

    Args:
        sha256: of the terms that were read (`smallhub.terms(name).sha256`), so that nobody accepts a text unseen.
        answers: name of the question to the answer; True for a box that is ticked.
        organization: accept for all its members, as an admin of it.

    Raises:
        Conflict: the text changed since it was read, or the request waits or was rejected.
        Invalid: an answer is missing, or there is nothing to accept.
    """
    from ._client import Hub

    with Hub() as hub:
        return hub.terms.accept(
            Reference.parse(name, kind=kind), sha256=sha256, answers=answers, organization=organization
        )


def read_answers(lines: list[str]) -> dict[str, str]:
    """Answers as the command line takes them: `NAME=VALUE`.

    Raises:
        Invalid: one is not.
    """
    pairs = [line.partition("=") for line in lines]
    for name, sign, _ in pairs:
        if not sign or not name.strip():
            raise Invalid("Write an answer as NAME=VALUE.", code="bad_answer")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _path(reference: Reference) -> str:
    return f"/api/v1/repositories/{reference.api_kind}/{reference.repository}/terms"
