"""Smoke: does the model load offline and answer sanely? Fixed questions, each check with a value and a sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evaluation.sandbox import RuntimeRefused, Session
from evaluation.scorers.base import Model
from evaluation.steps import fingerprints, smoke_chat, smoke_language, smoke_shapes, smoke_tasks, smoke_texts
from evaluation.steps.checks import Check, Run, failed, not_applicable, passed, warned
from evaluation.steps.inspect import Inspection
from evaluation.steps.weights import check as check_weights
from models_registry.formats.errors import BadFormat

State = Literal["pass", "warn", "fail"]
_THREADS_TOLERANCE = 1e-4
PROMPTS_FILE = Path(__file__).parent / "prompts.json"


def short_enough(session: Model, text: str) -> str:
    """The beginning of a text that takes half of a model's context at most, so that as much can follow."""
    context = session.description["description"].get("context_length")
    while context and text and len(text.encode("utf-8")) >= context // 2:  # A token takes a byte or more, mostly.
        if len(session.call("encode", text=text)) < context // 2:
            break
        text = text[: len(text) // 2]
    return text


@dataclass(frozen=True)
class Prompts:
    """The fixed texts, and the hash that names this edition of them."""

    texts: dict[str, Any]
    sha256: str

    @classmethod
    def load(cls) -> Prompts:
        raw = PROMPTS_FILE.read_bytes()
        return cls(json.loads(raw), hashlib.sha256(raw).hexdigest())

    def within(self, session: Model, inspection: Inspection) -> Prompts:
        """These, with what a language model goes on with cut to its context; another edition where that is short."""
        if "log_likelihood" not in inspection.capabilities:
            return self
        cut = {name: [short_enough(session, text) for text in self.texts[name]] for name in ("contexts", "prompts")}
        if all(cut[name] == self.texts[name] for name in cut):
            return self
        changed = json.dumps(cut, sort_keys=True, ensure_ascii=False).encode("utf-8")
        return Prompts(self.texts | cut, hashlib.sha256(self.sha256.encode() + changed).hexdigest())


@dataclass(frozen=True)
class Others:
    """How to start more sandboxes over the same files, not yet loaded.

    `with_threads` gives one with another number of threads than the first; `chat` one with the reader of templates.
    """

    with_threads: Callable[[], Session]
    chat: Callable[[], Session]


@dataclass(frozen=True)
class SmokeResult:
    """All checks in order. `fingerprint` names what the model said to the fixed prompts: a copy of the model has the
    same one. `outputs` holds those answers (greedy token ids, labels or vectors' first numbers), `likely` the
    log-probabilities by which a converted copy is compared."""

    checks: tuple[Check, ...]
    fingerprint: str
    outputs: dict[str, Any]
    prompts_sha256: str
    likely: list[dict[str, float]]

    @property
    def state(self) -> State:
        states = {check.state for check in self.checks}
        return "fail" if "fail" in states else "warn" if "warn" in states else "pass"

    def summary(self) -> str:
        """One sentence for the list of steps."""
        counted = [check for check in self.checks if check.state != "not_applicable"]
        good = sum(check.state == "pass" for check in counted)
        worst = next((c for wanted in ("fail", "warn") for c in counted if c.state == wanted), None)
        return f"{good} of {len(counted)} passed." + (f" {worst.id} {worst.title}: {worst.message}" if worst else "")

    def as_json(self) -> dict[str, Any]:
        """Plain data for the database and the API."""
        return {
            "state": self.state,
            "checks": [asdict(check) for check in self.checks],
            "fingerprint": self.fingerprint,
            "outputs": self.outputs,
            "prompts_sha256": self.prompts_sha256,
            "likely": self.likely,
        }


def smoke(session: Model, folder: Path, inspection: Inspection, *, others: Others | None = None) -> SmokeResult:
    """Check a model.

    Args:
        session: a sandbox session, *not yet loaded*; it is loaded here, since loading is the second check.
        folder: the model's files.
        others: for the checks that need a process of their own; without it those are left out.

    Raises:
        SandboxError: the model's process ended. A refusal by the runtime is a failed check, not an exception.
    """
    prompts = Prompts.load()
    checks = [_files(inspection), *_load(session, inspection), *_weights(folder, inspection)]
    outputs: dict[str, Any] = {}
    likely: list[dict[str, float]] = []
    if all(check.state != "fail" for check in checks):
        prompts = prompts.within(session, inspection)
        checks += _by_task(session, inspection, prompts, outputs)
        checks += [smoke_shapes.ties(folder, inspection)]
        checks += [smoke_chat.check(inspection, others.chat if others else None)]
        likely = _likely(session, inspection, prompts, checks)
        checks = [smoke_shapes.special_ids(folder, inspection, check) for check in checks]
        checks = [_on_other_threads(check, session, inspection, prompts, others) for check in checks]
    checks.sort(key=lambda check: check.id)
    canonical = json.dumps(outputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    fingerprint = hashlib.sha256(canonical.encode("utf-8")).hexdigest() if outputs else ""
    return SmokeResult(tuple(checks), fingerprint, outputs, prompts.sha256, likely)


def _likely(session: Model, inspection: Inspection, prompts: Prompts, checks: list[Check]) -> list[dict[str, float]]:
    """Nothing of a model whose answers are not numbers."""
    if any(check.id == "S07" and check.state == "fail" for check in checks):
        return []
    return fingerprints.likely(session, inspection.capabilities, prompts.texts)


def _on_other_threads(
    check: Check, session: Model, inspection: Inspection, prompts: Prompts, others: Others | None
) -> Check:
    """The second half of S10: another number of threads changes no answer by more than 0.0001."""
    if check.id != "S10" or check.state != "pass" or others is None:
        return check
    here = smoke_texts.probe(session, inspection, prompts.texts)
    try:
        with others.with_threads() as other:
            other.load()
            there = smoke_texts.probe(other, inspection, prompts.texts)
    except RuntimeRefused as error:
        return replace(check, state="fail", message=f"With another number of threads it fails: {error.reason[:300]}")
    worst = smoke_texts.distance(here, there)
    said = f"{check.message} Another number of threads moves them by {worst:.2g}; the limit is 0.0001."
    return replace(check, state="pass" if worst <= _THREADS_TOLERANCE else "fail", value=worst, message=said)


def _by_task(session: Model, inspection: Inspection, prompts: Prompts, outputs: dict[str, Any]) -> Iterator[Check]:
    """The checks of the model's task. A call that the model answers by an error fails that check alone."""
    capabilities = set(inspection.capabilities)
    runs: list[Run] = [smoke_texts.ids_fit, smoke_texts.tokenizer]
    if "log_likelihood" in capabilities:
        runs += smoke_language.CHECKS
    if "classify" in capabilities:
        runs += smoke_texts.CLASSIFIER_CHECKS
    if "embed" in capabilities:
        runs += smoke_texts.ENCODER_CHECKS
    runs += smoke_tasks.checks_for(capabilities)
    for run in runs:
        try:
            yield run(session, inspection, prompts.texts, outputs)
        except RuntimeRefused as error:
            identifier, title = (smoke_texts.NAMES | smoke_tasks.NAMES).get(run, ("S07", "forward"))
            yield failed(identifier, title, f"The model answered with an error: {error.reason[:300]}")


def _files(inspection: Inspection) -> Check:
    if inspection.refusal_code:
        return failed("S01", "files", inspection.refusal)
    return passed("S01", "files", f"{inspection.format}, {inspection.tensors:,} tensors.", value=inspection.tensors)


def _load(session: Model, inspection: Inspection) -> list[Check]:
    """S02: the runtime loads it, and sees in it what the files say."""
    if inspection.refusal_code:
        return [not_applicable("S02", "load", "Its files cannot be loaded.")]
    try:
        loaded = session.load()  # type: ignore[attr-defined]  # Sessions have it; a Model after loading need not.
    except RuntimeRefused as error:
        return [failed("S02", "load", error.reason)]
    missing = set(inspection.capabilities) - set(loaded["capabilities"])
    if loaded["task"] != inspection.task or missing:
        return [failed("S02", "load", f"It loads as {loaded['task']}, though its files say {inspection.task}.")]
    seconds = round(float(loaded["wall_s"]), 2)
    unused = loaded["description"].get("unexpected_weights") or []
    told = f" {len(unused)} weights are not used, {str(unused[0])[:80]} for one." if unused else ""
    return [passed("S02", "load", f"Loaded in {seconds:g} s, class {inspection.architecture}.{told}", value=seconds)]


def _weights(folder: Path, inspection: Inspection) -> list[Check]:
    """S03: no value that is not a number; matrices that say nothing are told.

    An n-gram's tables hold logarithms, where minus infinity is the honest value of something impossible.
    """
    try:
        report = check_weights(folder, logarithms=inspection.runtime == "ngram")
    except BadFormat as error:
        return [failed("S03", "weights", error.detail)]
    if report.not_finite:
        name, number = next(iter(report.not_finite.items()))
        more = len(report.not_finite) - 1
        tail = f", and {more} more tensors" if more else ""
        return [failed("S03", "weights", f"{name} holds {number:,} values that are not finite{tail}.", value=number)]
    dull = [*report.all_zero, *report.constant]
    if dull:
        sentence = f"{dull[0]} holds one value everywhere" + (f", and {len(dull) - 1} more do." if dull[1:] else ".")
        return [warned("S03", "weights", sentence, value=len(dull))]
    return [passed("S03", "weights", f"All values of {report.checked:,} tensors are finite.", value=0)]
