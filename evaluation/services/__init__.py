"""Writes of evaluation, by noun."""

from evaluation.services.benchmarks import measure_heads_with, register_benchmark
from evaluation.services.evaluations import request_evaluation, request_scan
from evaluation.services.runs import rerun

__all__ = ["measure_heads_with", "register_benchmark", "request_evaluation", "request_scan", "rerun"]
