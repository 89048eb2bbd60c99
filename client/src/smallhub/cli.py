"""The command line: a thin door to the functions of `smallhub`.

Answers go to stdout, everything else to stderr. Exit status: 0 done; 1 failed; 2 wrong usage; 3 not found; 4 access
denied; 5 wrong bytes or signature; 6 hub not reachable; 7 refused for safety or by a rule on licences; 8 a receipt
does not keep its word; 9 a licence is what it must not be; 130 interrupted.
"""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__, _api
from . import _accept_command as terms
from . import _licences_command as licences
from . import _lock_command as lock_commands
from . import _verify_command as verify_receipts
from ._exceptions import IntegrityError, NotFound, SmallhubError
from ._explain_command import add_explain_options, explanation_lines, question_of
from ._licence import draft_note
from ._names import KINDS
from ._progress import format_bytes
from ._pull import NOTICE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    logging.basicConfig(level=NOTICE, format="smallhub: %(message)s", stream=sys.stderr)
    options = _parser().parse_args(arguments)
    if options.debug:
        logging.getLogger("smallhub").setLevel(logging.DEBUG)
    try:
        return int(options.run(options) or 0)
    except SmallhubError as error:
        if options.debug:
            raise
        print(f"smallhub: {error.message}", file=sys.stderr)
        if getattr(options, "json", False):
            _print_json({"error": {"code": error.code, "message": error.message, "details": error.details}})
        return error.exit_status
    except BrokenPipeError:  # The reader, `head` for instance, has seen enough.
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print("smallhub: interrupted; finished parts are kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smallhub",
        description="Pull, run, push and verify small models by name.",
        epilog="Environment: SMALLHUB_ENDPOINT, SMALLHUB_TOKEN, SMALLHUB_CACHE, SMALLHUB_OFFLINE.",
    )
    parser.add_argument("--version", action="version", version=f"smallhub {__version__}")
    parser.add_argument("--debug", action="store_true", help="show what happens, and a trace when it fails")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_transfer_commands(commands)
    _add_lookup_commands(commands)
    lock_commands.add_commands(commands, _command)
    licences.add_commands(commands, _command)
    terms.add_commands(commands, _command)
    _add_model_commands(commands)
    return parser


def _add_transfer_commands(commands: Any) -> None:
    pull = _command(commands, "pull", _pull, "bring a version here and print its folder", kind=True)
    pull.add_argument("name", nargs="?", help="ns/name or ns/name@revision; or choose by --task and limits")
    pull.add_argument("--dir", type=Path, help="copy the files into this folder")
    pull.add_argument("--revision", help="tag, branch or commit; the same as @revision")
    pull.add_argument("--verify", action="store_true", help="hash files that are cached already, too")
    pull.add_argument("--allow-quarantined", action="store_true", help="pull what the scan found dangerous")
    pull.add_argument("--scanned", action="store_true", help="wait until the hub has scanned the version, or fail")
    pull.add_argument("--locked", action="store_true", help="the commit and bytes of the lock file, or fail")
    pull.add_argument("--update", action="store_true", help="choose anew for a need, whatever the lock file holds")
    _need_options(pull)
    lock_commands.add_option(pull)
    _progress_option(pull)

    push = _command(commands, "push", _push, "make a branch hold the files of a folder", kind=True)
    push.add_argument("folder", type=Path)
    push.add_argument("name", help="ns/name or ns/name@branch")
    push.add_argument("-m", "--message", default="Upload with smallhub")
    push.add_argument("--private", action="store_true", help="a new repository is visible to its owner alone")
    push.add_argument("--licence", "--license", metavar="ID", help="let README.md declare it, if it declares none")
    push.add_argument("--no-create", action="store_true", help="fail if the repository does not exist")
    _progress_option(push)

    verify = _command(
        commands, "verify", _verify, "hash a pulled version again, or hold receipts to their word", kind=True
    )
    verify.add_argument("target", help="a name, a folder (write ./folder), or a receipt: its hash, address or file")
    verify.add_argument("--revision")
    verify_receipts.add_options(verify)


def _add_lookup_commands(commands: Any) -> None:
    search = _command(commands, "search", _search, "find repositories", kind=True)
    search.add_argument("query", nargs="?", default="")
    search.add_argument("--author")
    search.add_argument("--task", help="text-generation, text-classification, …")
    search.add_argument("--licence", help="an id, or permissive, copyleft, non-commercial")
    search.add_argument("--tag", action="append", default=[], help="may be given more than once")
    search.add_argument("--sort", default="trendingScore")
    search.add_argument("--limit", type=int, default=20)

    find = _command(commands, "find", _find, "find models by task and limits, the best measured first")
    _need_options(find)
    find.add_argument("--limit", type=int, default=10)

    info = _command(commands, "info", _info, "show what the hub knows of a repository", kind=True)
    info.add_argument("name")
    info.add_argument("--revision")

    results = _command(commands, "results", _results, "show what was measured of a version")
    results.add_argument("name")
    results.add_argument("--revision")

    releases = _command(commands, "releases", _releases, "list the releases of a repository", kind=True)
    releases.add_argument("name")

    login = _command(commands, "login", _login, "store a token for this hub")
    login.add_argument("--token-stdin", action="store_true", help="read the token from stdin")
    _command(commands, "whoami", _whoami, "show whose token is in use")


def _need_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("by need")
    group.add_argument("--task", help="ner, sentiment, qa, text-generation, …")
    group.add_argument("--language", help="such as de")
    group.add_argument("--max-mb", type=float, help="on disk")
    group.add_argument("--max-ms", type=float, help="to the first token or answer, as the hub measured it")
    group.add_argument("--max-memory-mb", type=float, help="peak of memory")
    group.add_argument("--max-parameters", type=float)
    group.add_argument("--licence", help="an id, or permissive, copyleft, non-commercial")
    group.add_argument("--benchmark", help="which one decides")
    group.add_argument("--min-score", type=float, help="at least this good, in the benchmark's unit")


def _need_of(options: argparse.Namespace) -> dict[str, Any]:
    names = ("language", "max_mb", "max_ms", "max_memory_mb", "max_parameters", "licence", "benchmark", "min_score")
    return {name: getattr(options, name) for name in names}


def _add_model_commands(commands: Any) -> None:
    generate = _command(commands, "generate", _generate, "let a model go on with a text")
    generate.add_argument("model", help="a name, or a folder (write ./folder)")
    generate.add_argument("prompt")
    generate.add_argument("--max-new-tokens", type=int, default=40)
    generate.add_argument("--temperature", type=float, default=0.0, help="0 takes the likeliest token each time")
    generate.add_argument("--seed", type=int, default=0)

    classify = _command(commands, "classify", _classify, "let a model label texts")
    classify.add_argument("model")
    classify.add_argument("text", nargs="+")

    tag = _command(commands, "tag", _tag, "let a model label the words of sentences")
    tag.add_argument("model")
    tag.add_argument("text", nargs="+", help="words are parted by spaces")

    answer = _command(commands, "answer", _answer_question, "let a model find a question's answer in a text")
    answer.add_argument("model")
    answer.add_argument("question")
    answer.add_argument("context", help="the text, or - to read it from stdin")

    translate = _command(commands, "translate", _translate, "let a model translate texts")
    translate.add_argument("model")
    translate.add_argument("text", nargs="+")
    translate.add_argument("--source", default="", help="a language such as en; models of one pair need none")
    translate.add_argument("--target", default="")

    transcribe = _command(commands, "transcribe", _transcribe, "let a model write down WAV files")
    transcribe.add_argument("model")
    transcribe.add_argument("file", nargs="+", type=Path)

    explain = _command(commands, "explain", _explain, "show how much each word moves a model's answer to a text")
    add_explain_options(explain)

    score = _command(commands, "score", _score, "show how likely a model finds texts")
    score.add_argument("model")
    score.add_argument("text", nargs="+")
    for command in (generate, classify, tag, answer, translate, transcribe, explain, score):
        command.add_argument("--threads", type=int)


def _command(commands: Any, name: str, run: Any, text: str, *, kind: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(run=run, refuse=parser.error)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    if kind:
        parser.add_argument("--kind", choices=KINDS, default=None)
    return parser


def _progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def _pull(options: argparse.Namespace) -> int:
    if (options.name is None) == (options.task is None):
        options.refuse("give the name of a model, or --task and limits to choose one by")
    folder = _api.pull(
        options.name,
        options.dir,
        revision=options.revision,
        kind=options.kind,
        allow_quarantined=options.allow_quarantined,
        scanned=options.scanned,
        verify=options.verify,
        progress=False if options.quiet else None,
        lock_file=options.lock_file if options.locked or options.name is None else None,
        task=options.task,
        update=options.update,
        **_need_of(options),
    )
    return _answer(options, {"folder": str(folder)}, str(folder))


def _push(options: argparse.Namespace) -> int:
    report = _api.push(
        options.folder,
        options.name,
        message=options.message,
        create=not options.no_create,
        private=options.private,
        licence=options.licence,
        kind=options.kind,
        progress=False if options.quiet else None,
    )
    if report.is_new:
        text = (
            f"{report.url or report.commit}\n{len(report.changed)} files changed, {report.unchanged} unchanged, "
            f"{format_bytes(report.uploaded_bytes)} uploaded"
        )
    else:
        text = f"Nothing to do: all {report.unchanged} files are there already, at {report.commit}."
    if report.is_draft:
        text += f"\n{draft_note(report, options.kind)}"
    return _answer(options, asdict(report), text)


def _verify(options: argparse.Namespace) -> int:
    if verify_receipts.is_wanted(options):
        reports = verify_receipts.reports(options)
        rows = [{**asdict(report), "ok": report.ok} for report in reports]
        _answer(options, rows[0] if len(rows) == 1 else rows, verify_receipts.text(reports))
        return verify_receipts.status(reports)
    report = _api.verify(options.target, revision=options.revision, kind=options.kind)
    lines = [f"{check.state:10} {check.path}" for check in report.problems]
    verdict = "all as in the manifest" if report.ok else f"{len(report.problems)} not as in the manifest"
    lines.append(f"{report.repository} at {report.commit[:12]}: {len(report.checks)} files, {verdict}")
    _answer(options, {**asdict(report), "ok": report.ok}, "\n".join(lines))
    return 0 if report.ok else IntegrityError.exit_status


def _search(options: argparse.Namespace) -> int:
    rows = _api.search(
        options.query,
        kind=options.kind or "model",
        author=options.author,
        task=options.task,
        tags=tuple(options.tag),
        sort=options.sort,
        limit=options.limit,
        licence=options.licence,
    )
    width = max((len(row["id"]) for row in rows), default=0)
    lines = [f"{row['id']:{width}}  {row.get('pipeline_tag') or '-':24}  {row.get('downloads', 0):>8}" for row in rows]
    return _answer(options, rows, "\n".join(lines) if lines else "Nothing found.")


def _find(options: argparse.Namespace) -> int:
    if not options.task:
        options.refuse("say what it is for: --task ner, --task sentiment, …")
    found = _api.find(options.task, limit=options.limit, **_need_of(options))
    width = max((len(row.model) for row in found.candidates), default=0)
    lines = [
        f"{row.model:{width}}  {format_bytes(row.size_bytes):>9}  "
        f"{'-' if row.first_ms is None else f'{row.first_ms:.3g} ms':>9}  {row.licence or '-':14}  {row.reason}"
        for row in found.candidates
    ]
    _answer(options, asdict(found), "\n".join(lines) or found.message)
    return 0 if found.candidates else NotFound.exit_status


def _info(options: argparse.Namespace) -> int:
    found = _api.info(options.name, revision=options.revision, kind=options.kind)
    card = found.get("cardData") or {}
    rows = {
        "name": found.get("id"),
        "commit": found.get("sha"),
        "task": found.get("pipeline_tag"),
        "licence": card.get("license"),
        "changed": found.get("lastModified"),
        "private": "yes" if found.get("private") else "no",
        "downloads": found.get("downloads"),
        "tags": ", ".join(found.get("tags") or []),
    }
    lines = [f"{key:10} {value}" for key, value in rows.items() if value not in (None, "")]
    lines += [
        f"{format_bytes(row['size']) if row.get('size') is not None else '':>10}   {row.get('rfilename')}"
        for row in found.get("siblings") or []
    ]
    return _answer(options, found, "\n".join(lines))


def _results(options: argparse.Namespace) -> int:
    found = _api.results(options.name, revision=options.revision)
    lines = [f"{found.get('repository')} at {str(found.get('commit'))[:12]}: {found.get('state')}"]
    lines += [
        f"  {step.get('step', ''):10} {step.get('state', '')}  {step.get('reason') or ''}".rstrip()
        for step in found.get("steps") or []
    ]
    lines += [_score_line(score) for score in found.get("scores") or []]
    return _answer(options, found, "\n".join(lines))


def _score_line(score: dict[str, Any]) -> str:
    value, interval = score.get("value"), score.get("interval")
    if value is None:
        return f"  {score.get('benchmark')}: {score.get('state')}"
    between = f"  [{interval[0]:.4g}, {interval[1]:.4g}]" if interval else ""
    return f"  {score.get('benchmark')}  {score.get('metric')} {value:.4g}{between}  n={score.get('n')}"


def _releases(options: argparse.Namespace) -> int:
    rows = _api.releases(options.name, kind=options.kind)
    width = max((len(row["name"]) for row in rows), default=0)
    lines = [f"{row['name']:{width}}  {row['commit'][:12]}  {row['created_at'][:10]}{_mark(row)}" for row in rows]
    return _answer(options, rows, "\n".join(lines) if lines else "No releases.")


def _mark(row: dict[str, Any]) -> str:
    if row.get("yanked"):
        return f"  yanked: {row['yanked']['reason']}"
    return "  latest" if row.get("latest") else ""


def _login(options: argparse.Namespace) -> int:
    # Never an argument: those are seen by every user of the machine, and kept in the shell's history.
    token = sys.stdin.readline() if options.token_stdin else getpass.getpass("Token (hf_…): ")
    name = _api.login(token)
    return _answer(options, {"name": name}, f"Logged in as {name}.")


def _whoami(options: argparse.Namespace) -> int:
    found = _api.whoami()
    organisations = [str(row.get("name")) for row in found.get("orgs") or []]
    suffix = f" (member of {', '.join(organisations)})" if organisations else ""
    return _answer(options, found, f"{found.get('name')}{suffix}")


def _generate(options: argparse.Namespace) -> int:
    model = _api.load(options.model, threads=options.threads)
    generation = model.generate(
        options.prompt, max_new_tokens=options.max_new_tokens, temperature=options.temperature, seed=options.seed
    )
    return _answer(options, asdict(generation), options.prompt + generation.text)


def _classify(options: argparse.Namespace) -> int:
    model = _api.load(options.model, threads=options.threads)
    found = model.classify(options.text)
    lines = []
    for item, text in zip(found, options.text, strict=True):
        probability, label = max(zip(item.probabilities, item.labels, strict=True))
        lines.append(f"{label}  {probability:.3f}  {text}")
    return _answer(options, [asdict(item) for item in found], "\n".join(lines))


def _tag(options: argparse.Namespace) -> int:
    sentences = [text.split() for text in options.text]
    found = _api.load(options.model, threads=options.threads).tag(sentences)
    pairs = [list(zip(words, labels, strict=True)) for words, labels in zip(sentences, found, strict=True)]
    lines = ["\n".join(f"{label:12}  {word}" for word, label in sentence) for sentence in pairs]
    return _answer(options, pairs, "\n\n".join(lines))


def _answer_question(options: argparse.Namespace) -> int:
    context = sys.stdin.read() if options.context == "-" else options.context
    model = _api.load(options.model, threads=options.threads)
    (found,) = model.answer([options.question], contexts=[context])
    return _answer(options, asdict(found), found.text or "No answer.")


def _translate(options: argparse.Namespace) -> int:
    model = _api.load(options.model, threads=options.threads)
    found = model.translate(options.text, source=options.source, target=options.target)
    return _answer(options, found, "\n".join(found))


def _transcribe(options: argparse.Namespace) -> int:
    from .runtimes._sound import read_wav

    model = _api.load(options.model, threads=options.threads)
    found = []
    for path in options.file:
        clip, rate = read_wav(path)
        found += model.transcribe([clip], sampling_rate=rate)
    return _answer(options, found, "\n".join(found))


def _explain(options: argparse.Namespace) -> int:
    model = _api.load(options.model, threads=options.threads)
    value, target = question_of(options, model.capabilities)
    found = model.explain(value, target=target, method=options.method)
    return _answer(options, asdict(found), explanation_lines(found))


def _score(options: argparse.Namespace) -> int:
    model = _api.load(options.model, threads=options.threads)
    found = model.log_likelihood(options.text)
    lines = [
        f"{item.log_prob:10.3f}  {item.bits_per_byte(text):6.3f} bits per byte  {text}"
        for item, text in zip(found, options.text, strict=True)
    ]
    return _answer(options, [asdict(item) for item in found], "\n".join(lines))


def _answer(options: argparse.Namespace, data: Any, text: str) -> int:
    if options.json:
        _print_json(data)
    else:
        print(text)
    return 0


def _print_json(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2, default=str))
