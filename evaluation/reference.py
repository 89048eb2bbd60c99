"""What scores of a benchmark are read against: the baseline that it declares, else the strongest that was measured."""

from typing import Any

from evaluation.models import Benchmark


def baseline_of(benchmark: Benchmark) -> tuple[str, float] | None:
    """Name and value; None while none is known."""
    declared = benchmark.definition.get("baseline") or {}
    if declared.get("value") is not None:
        return str(declared.get("name") or ""), float(declared["value"])
    sign = 1 if benchmark.definition.get("higher_is_better", True) else -1
    hardest = max(measured_of(benchmark), key=lambda each: sign * float(each["value"]), default=None)
    return None if hardest is None else (str(hardest["name"]), float(hardest["value"]))


def measured_of(benchmark: Benchmark) -> list[dict[str, Any]]:
    """Those that a worker measured, each with `name`, `value` and `of`."""
    return list((benchmark.baselines or {}).get("values") or [])
