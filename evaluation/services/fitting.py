"""Whether a benchmark can be run on a model: told from the declaration and what the earlier steps found out."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from evaluation.benchmarks.definition import parse
from evaluation.models import Benchmark


def obstacle(benchmark: Benchmark, *, capabilities: list[str]) -> str:
    """Why this benchmark does not apply to a model, for people; "" if it does.

    Args:
        capabilities: what the model can be asked, such as `log_likelihood` or `classify`.
    """
    lacking = sorted(parse(benchmark.definition).requires - set(capabilities))
    if lacking:
        return gettext("It asks for %(needs)s, which this kind of model does not have.") % {"needs": ", ".join(lacking)}
    return ""


def capabilities_of(inspected: Mapping[str, Any]) -> list[str]:
    """What the inspect step found the model able to do."""
    found = inspected.get("capabilities")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
