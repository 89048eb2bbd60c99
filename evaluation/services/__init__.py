"""Writes of evaluation, by noun."""

from evaluation.services.evaluations import request_evaluation

__all__ = ["request_evaluation"]
