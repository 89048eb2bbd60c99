"""Answers to the fixed prompts against those of the version before, and of the base model where this hub has it."""

from dataclasses import asdict
from typing import Any

from evaluation.models import Run, State, Step
from evaluation.steps.fingerprints import compare
from models_registry.models import Kind, Repository, Visibility
from models_registry.services import heads


def compared(run: Run, result: dict[str, Any]) -> list[dict[str, Any]]:
    """How a smoke step's answers stand to others', as JSON: `with` (previous or base), whose, and the comparison.

    Args:
        result: what the step found, as it will be kept.
    """
    found = []
    for name, other in (("previous", _previous(run)), ("base", _base(run))):
        seen = compare(result, other.result) if other is not None else None
        if other is not None and seen is not None:
            evaluation = other.evaluation
            whose = {"repository": evaluation.repository.full_name, "commit": evaluation.commit.oid}
            found.append({"with": name, **whose, **asdict(seen)})
    return found


def _passed() -> Any:
    runs = Run.objects.filter(step=Step.SMOKE, state=State.PASSED)
    return runs.select_related("evaluation__commit", "evaluation__repository__namespace").order_by("-evaluation_id")


def _previous(run: Run) -> Run | None:
    evaluation = run.evaluation
    found: Run | None = (
        _passed().filter(evaluation__repository=evaluation.repository_id, evaluation_id__lt=evaluation.pk).first()
    )
    return found


def _base(run: Run) -> Run | None:
    """The base model's newest measured version; only a public one, for this page may be read by anybody."""
    card = heads.card_of(run.evaluation.repository, run.evaluation.commit)
    name = card.data.get("base_model")
    namespace, _, rest = (name if isinstance(name, str) else "").partition("/")
    if not rest:
        return None
    base = Repository.objects.named(Kind.MODEL, namespace, rest).filter(visibility=Visibility.PUBLIC).first()
    if base is None or base.pk == run.evaluation.repository_id:
        return None
    found: Run | None = _passed().filter(evaluation__repository=base).first()
    return found
