"""A quick look at a trained model before it is published: does it answer at all, through the loader users get?"""

import math
from pathlib import Path

from smallhub.runtimes import Model, load

from training.exceptions import TrainedModelFailed

TEXTS = ("The boat was late, and nobody minded.", "船来晚了，谁也没有着急。")


def check_answers(folder: Path) -> Model:
    """Load a model that was just trained here, and ask it for each thing that it says it can do.

    Raises:
        TrainedModelFailed: an answer is no number, or of the wrong shape.
    """
    model = load(folder)
    if "log_likelihood" in model.capabilities:
        _check_language_model(model)
    if "classify" in model.capabilities:
        _check_classifier(model)
    return model


def _check_language_model(model: Model) -> None:
    for text, likelihood in zip(TEXTS, model.log_likelihood(TEXTS), strict=True):
        _demand(
            math.isfinite(likelihood.log_prob) and likelihood.log_prob < 0 and likelihood.tokens > 0,
            f"the log-probability of {text!r} is {likelihood.log_prob}",
        )
    answer = model.generate(TEXTS[0][:8], max_new_tokens=8)
    _demand(len(answer.token_ids) > 0, "it generates nothing")


def _check_classifier(model: Model) -> None:
    for answer in model.classify(TEXTS):
        total = sum(answer.probabilities)
        _demand(abs(total - 1) < 1e-5, f"its probabilities sum to {total}")


def _demand(holds: bool, reason: str) -> None:
    if not holds:
        raise TrainedModelFailed(reason=reason)
