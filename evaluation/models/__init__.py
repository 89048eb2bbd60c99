"""What was measured of one commit: an evaluation, its runs, their scores and receipts; and the benchmarks."""

from evaluation.models.benchmarks import Benchmark, Declaration
from evaluation.models.claims import Claim
from evaluation.models.comparisons import BenchmarkComparison, Comparison, GatePolicy, Summary
from evaluation.models.conversions import Conversion
from evaluation.models.keys import ReceiptSignature, SigningKey
from evaluation.models.results import ItemOutputs, Receipt, Score
from evaluation.models.runs import OPEN_STATES, Evaluation, QueueTurn, Run, State, Step
from evaluation.models.standings import Standing

__all__ = [
    "OPEN_STATES",
    "Benchmark",
    "BenchmarkComparison",
    "Claim",
    "Comparison",
    "Conversion",
    "Declaration",
    "Evaluation",
    "GatePolicy",
    "ItemOutputs",
    "QueueTurn",
    "Receipt",
    "ReceiptSignature",
    "Run",
    "Score",
    "SigningKey",
    "Standing",
    "State",
    "Step",
    "Summary",
]
