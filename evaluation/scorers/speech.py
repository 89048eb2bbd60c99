"""Speech: word and character error rates over the corpus, and the share of clips that are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.benchmarks.structures import Clip
from evaluation.metrics import speech, uncertainty
from evaluation.scorers.asking import drawn_interval, role
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, mean_statistic

_BATCH_CLIPS = 8
_BATCH_SAMPLES = 2_000_000
_UNITS = {"wer": "words", "cer": "characters"}


class Speech:
    """Both sides are normalised alike. Clips of one rate and about one length are asked together."""

    name = "speech"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        clips: list[Clip] = [item[role(arguments, "clip")] for item in dataset.items]
        said: dict[int, str] = {}
        for positions in _batches(clips):
            sounds = [np.frombuffer(clips[at].pcm, dtype="<i2").astype(np.float32) / 32768 for at in positions]
            found = model.call("transcribe", clips=sounds, sampling_rate=clips[positions[0]].rate)
            said |= dict(zip(positions, found, strict=True))
            progress(len(said), len(clips))
        rewrites = bool(arguments.get("digits_to_words", False))
        rows = []
        for position, item in enumerate(dataset.items):
            wanted = speech.normalised(str(item[role(arguments, "text")]), digits_to_words=rewrites)
            found = speech.normalised(said[position], digits_to_words=rewrites)
            row: Row = {"id": item.id, "gold": wanted, "predicted": found, "right": wanted == found}
            row |= {"words": list(speech.word_errors(wanted, found))}
            row |= {"characters": list(speech.character_errors(wanted, found))}
            rows.append(row | {"seconds": round(clips[position].seconds, 3)})
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        right = sum(bool(row["right"]) for row in rows)
        metrics: dict[str, Any] = {
            "accuracy": right / len(rows),
            "wer": _rate(rows, "words"),
            "cer": _rate(rows, "characters"),
            "words": sum(row["words"][1] for row in rows),
            "seconds": round(sum(row["seconds"] for row in rows), 3),
            "digits_to_words": bool(benchmark.scorer_args.get("digits_to_words", False)),
        }
        empty = sum(not row["predicted"] for row in rows)
        return Aggregate(metrics, self._interval(benchmark, rows, right), {"empty": empty})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        """Accuracy, or an error rate from each draw's summed edits and lengths."""
        unit = _UNITS.get(benchmark.main_metric)
        if unit is None:
            return mean_statistic([float(bool(row["right"])) for row in rows])
        table = np.array([row[unit] for row in rows], dtype=float)
        return lambda drawn: table[drawn, 0].sum(axis=1) / np.maximum(table[drawn, 1].sum(axis=1), 1.0)

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """Right or wrong; None under an error rate, which is the corpus's."""
        return float(bool(row["right"])) if benchmark.main_metric == "accuracy" else None

    def prediction(self, row: Row) -> str:
        return str(row["predicted"])

    def _interval(self, benchmark: Benchmark, rows: Sequence[Row], right: int) -> uncertainty.Interval | None:
        """Wilson for accuracy; for an error rate the bootstrap over clips."""
        if benchmark.main_metric not in _UNITS:
            return uncertainty.wilson(right, len(rows))
        return drawn_interval(self.statistic(benchmark, rows), len(rows), seed=benchmark.seed, over="clips")


def _batches(clips: Sequence[Clip]) -> Iterator[list[int]]:
    """Positions by rate and length: at most 8 clips, and not too many samples, at once."""
    batch: list[int] = []
    for position in sorted(range(len(clips)), key=lambda at: (clips[at].rate, len(clips[at].pcm), at)):
        longest = len(clips[position].pcm) // 2 * (len(batch) + 1)
        if batch and (
            len(batch) == _BATCH_CLIPS or longest > _BATCH_SAMPLES or clips[batch[0]].rate != clips[position].rate
        ):
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _rate(rows: Sequence[Row], unit: str) -> float:
    return float(sum(row[unit][0] for row in rows) / max(1, sum(row[unit][1] for row in rows)))
