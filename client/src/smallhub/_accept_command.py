"""`smallhub accept`: shows each text that is due, asks, and accepts just that one."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ._exceptions import AcceptanceNeeded, Invalid
from ._names import Reference
from ._terms import Question, RepositoryTerms, read_answers

YES = {"y", "yes"}


def add_commands(commands: Any, command: Any) -> None:
    """The command, made by the command line's own `command`."""
    parser = command(commands, "accept", _accept, "read and accept the terms of a gated repository", kind=True)
    parser.add_argument("name", help="ns/name")
    parser.add_argument("--yes", action="store_true", help="do not ask; needs --text-sha256 of each text that is due")
    parser.add_argument(
        "--text-sha256",
        action="append",
        default=[],
        metavar="HEX",
        help="the hash of a text that was read, as this command shows it; may be given more than once",
    )
    parser.add_argument("--answer", action="append", default=[], metavar="NAME=VALUE", help="to a question of the form")
    parser.add_argument("--organization", metavar="NAME", help="for all its members, as an admin of it")


def _accept(options: argparse.Namespace) -> int:
    from ._client import Hub

    if options.yes and not options.text_sha256:
        options.refuse("--yes needs --text-sha256: run the command without --yes to read the text and see its hash")
    given = read_answers(options.answer)
    reference = Reference.parse(options.name, kind=options.kind)
    with Hub() as hub:
        # For an organisation it is due whatever the terms are to the one who speaks for it.
        whole = options.organization
        due = [(reference, hub.terms.read(reference))] if whole else list(hub.terms.due(reference))
        done = []
        for where, terms in due:
            if terms.sha256 is None:
                raise Invalid(f"{terms.repository} has no terms of its own to accept.", code="not_gated")
            _show(terms)
            _check_seen(options, terms)
            answers = {question.name: _answer(question, given, options) for question in terms.questions}
            _ask(options, terms)
            done.append(hub.terms.accept(where, sha256=terms.sha256, answers=answers, organization=whole))
        state = hub.terms.read(reference)
    if options.json:
        print(json.dumps({"accepted": done, "state": state.state}, ensure_ascii=False, indent=2))
    else:
        print("\n".join(_line(each) for each in done) or _nothing(state))
    return 0


def _show(terms: RepositoryTerms) -> None:
    """The text, on stderr: stdout is for the answer."""
    lines = [f"Terms of {terms.repository}" + (f", version {terms.version}" if terms.version else "")]
    lines += [terms.text] if terms.text else []
    if terms.licence_text:
        lines.append(f"--- licence {terms.licence}".rstrip() + f" (SHA-256 {terms.licence_sha256}) ---")
        lines.append(terms.licence_text.rstrip())
        lines.append("---")
    lines.append(f"Text SHA-256: {terms.sha256}")
    print("\n\n".join(_plain(line) for line in lines), file=sys.stderr)


def _check_seen(options: argparse.Namespace, terms: RepositoryTerms) -> None:
    if options.text_sha256 and terms.sha256 not in options.text_sha256:
        raise AcceptanceNeeded(
            f"The terms of {terms.repository} are not the text that was read: their SHA-256 is {terms.sha256}.",
            code="unseen_text",
            sha256=terms.sha256,
            repository=terms.repository,
        )


def _answer(question: Question, given: dict[str, str], options: argparse.Namespace) -> str:
    if question.name in given:
        return given[question.name]
    if options.yes or not sys.stdin.isatty():
        raise Invalid(f"A question is open; give --answer '{question.name}=…'.", code="answer_missing")
    choices = ", ".join(value for value, _ in question.options)
    hint = {"checkbox": " [yes/no]", "date_picker": " [YYYY-MM-DD]", "select": f" [{choices}]"}.get(question.kind, "")
    return _read(f"{_plain(question.name)}{hint}: ")


def _ask(options: argparse.Namespace, terms: RepositoryTerms) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise AcceptanceNeeded(
            f"Nobody is here to ask. Read the text above, then run this with --yes --text-sha256 {terms.sha256}.",
            code="nobody_to_ask",
            sha256=terms.sha256,
            repository=terms.repository,
        )
    if _read(f"Do you accept the terms of {terms.repository}? [y/N] ").lower() not in YES:
        raise AcceptanceNeeded(f"The terms of {terms.repository} were not accepted.", code="not_accepted")


def _read(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _line(done: dict[str, Any]) -> str:
    words = {"accepted": "accepted; the files are open", "pending": "sent; the owner has to decide"}
    state = words.get(str(done.get("state")), str(done.get("state")))
    return f"{done.get('repository')}: {state}. Receipt: {done.get('receipt') or '-'}"


def _nothing(terms: RepositoryTerms) -> str:
    said = {"pending": "You asked already; the owner has to decide.", "rejected": "Your request was rejected."}
    return said.get(terms.state, "There is nothing to accept; the files are open to you.")


def _plain(text: str) -> str:
    """Without what moves a terminal's cursor: the text is a stranger's."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
