"""The shapes of the answers. Fields may be added, never renamed: people's programs read them."""

from typing import Any

from rest_framework import serializers

from models_registry.licences import CLASSES

STEPS = ["scan", "inspect", "smoke", "cost", "benchmark"]
STATES = [
    "queued",
    "running",
    "passed",
    "failed",
    "not_applicable",
    "timed_out",
    "out_of_memory",
    "quarantined",
    "cancelled",
]
SCORE_STATES = ["scored", *(state for state in STATES if state != "passed")]


class StepOutput(serializers.Serializer[Any]):
    step = serializers.ChoiceField(choices=STEPS)
    benchmark = serializers.CharField(allow_null=True, help_text="Which one, for the step `benchmark`.")
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField(allow_blank=True)
    seconds = serializers.FloatField(allow_null=True)
    progress = serializers.FloatField(help_text="0 to 1.")


class BaselineOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.FloatField(allow_null=True)


class MeasuredBaselineOutput(BaselineOutput):
    of = serializers.CharField(allow_blank=True, help_text="What it was made from, if not all of the training split.")


class BaselinesOutput(serializers.Serializer[Any]):
    """What models without skill get, as a worker measured it from the training split."""

    values = MeasuredBaselineOutput(many=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why there are none.")


class ScoreOutput(serializers.Serializer[Any]):
    """One benchmark of an evaluation. Only the state `scored` has a value."""

    benchmark = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    superseded = serializers.BooleanField(help_text="A newer version of the benchmark has replaced this one.")
    state = serializers.ChoiceField(choices=SCORE_STATES)
    reason = serializers.CharField(allow_blank=True)
    metric = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, min_length=2, max_length=2, help_text="Low and high."
    )
    confidence = serializers.FloatField(allow_null=True)
    method = serializers.CharField(allow_null=True, help_text="How the interval was made.")
    n = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField(allow_blank=True)
    higher_is_better = serializers.BooleanField()
    baseline = BaselineOutput(allow_null=True)
    chance = serializers.FloatField(allow_null=True)
    tier = serializers.CharField(allow_null=True, help_text="standard: the whole set; quick or smoke: a part of it.")
    metrics = serializers.DictField(help_text="What was computed beside the main metric.")
    receipt = serializers.CharField(allow_null=True, help_text="Address of the receipt.")


class CostOutput(serializers.Serializer[Any]):
    parameters = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True)
    load_s = serializers.FloatField(allow_null=True)
    first_token_s = serializers.FloatField(allow_null=True)
    tokens_per_s = serializers.FloatField(allow_null=True)
    peak_rss_bytes = serializers.IntegerField(allow_null=True)
    machine = serializers.JSONField(allow_null=True)
    details = serializers.JSONField(allow_null=True, help_text="All figures under the protocol's names and units.")
    normalised = serializers.JSONField(allow_null=True, help_text="As the reference class would have measured it.")
    fit = serializers.JSONField(allow_null=True, help_text="Where the model is predicted to run.")


class ScanOutput(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=["pending", "clean", "warning", "quarantined"])
    findings = serializers.ListField(child=serializers.DictField())
    convertible = serializers.ListField(
        child=serializers.CharField(), help_text="Pickles that only rebuild tensors and could become safetensors."
    )


class SmokeOutput(serializers.Serializer[Any]):
    """The smoke checks, and what the answers to the fixed prompts are called."""

    state = serializers.ChoiceField(choices=["pass", "warn", "fail"], allow_null=True)
    checks = serializers.ListField(child=serializers.DictField())
    fingerprint = serializers.CharField(allow_blank=True)
    compared = serializers.ListField(child=serializers.DictField(), help_text="With the version before and the base.")


class EvaluationOutput(serializers.Serializer[Any]):
    repository = serializers.CharField()
    commit = serializers.CharField()
    state = serializers.ChoiceField(choices=["queued", "running", "done"])
    only_scan = serializers.BooleanField(
        help_text="Scanned and not measured, for it is neither of the default branch nor a release or pull request."
    )
    steps = StepOutput(many=True)
    scores = ScoreOutput(many=True)
    cost = CostOutput(allow_null=True)
    scan = ScanOutput()
    inspect = serializers.DictField(help_text="What the files tell, and where the card says otherwise.")
    smoke = SmokeOutput()
    verdict = serializers.ChoiceField(choices=["pending", "passed", "failed", "quarantined", "not_applicable"])
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class BenchmarkOutput(serializers.Serializer[Any]):
    """One active benchmark."""

    benchmark = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    task = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    metric = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    higher_is_better = serializers.BooleanField()
    chance = serializers.FloatField(allow_null=True)
    baseline = BaselineOutput(allow_null=True)
    baselines = BaselinesOutput()
    requires = serializers.ListField(child=serializers.CharField(), help_text="What a model must be able to do.")
    licence = serializers.CharField(allow_blank=True)
    dataset = serializers.CharField()
    commit = serializers.CharField(help_text="The commit of the data set.")
    definition_sha256 = serializers.CharField()


class BenchmarkListOutput(serializers.Serializer[Any]):
    items = BenchmarkOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class BenchmarkListQuery(serializers.Serializer[Any]):
    licence = serializers.CharField(
        required=False, max_length=200, help_text=f"Of its data: an id, or one of the classes {', '.join(CLASSES)}."
    )
    limit = serializers.IntegerField(min_value=1, max_value=200, default=100)
    cursor = serializers.CharField(required=False, max_length=2000)
