"""Six small tasks made of the texts that the product ships, as the public harness and as our own engine read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evaluation import benchmarks
from evaluation.benchmarks import Dataset, Item
from tests.factories.tiny_models import shipped_texts

NAMES = ("pairs", "choice", "prompted", "partial", "last_word", "text")
# Ours and theirs, by task: what has to be the same number.
SAME = {
    "pairs": {"accuracy": "acc,none"},
    "choice": {"accuracy": "acc,none", "accuracy_normalised": "acc_norm,none"},
    "prompted": {"accuracy": "acc,none", "accuracy_normalised": "acc_norm,none"},
    "partial": {"accuracy": "acc,none"},
    "last_word": {"accuracy": "acc,none", "target_perplexity": "perplexity,none"},
    "text": {"byte_perplexity": "byte_perplexity,none", "bits_per_byte": "bits_per_byte,none"},
}
_YAML = {
    "pairs": """output_type: multiple_choice
doc_to_text: ""
doc_to_target: 0
doc_to_choice: "{{[good, bad]}}"
metric_list: [{metric: acc}]""",
    "choice": """output_type: multiple_choice
doc_to_text: "{{context}}\\nAnswer:"
doc_to_target: gold
doc_to_choice: choices
metric_list: [{metric: acc}, {metric: acc_norm}]""",
    "prompted": """output_type: multiple_choice
doc_to_text: "{{context}}"
doc_to_target: gold
doc_to_choice: choices
metric_list: [{metric: acc}, {metric: acc_norm}]""",
    "partial": """output_type: multiple_choice
doc_to_text: gold
doc_to_target: continuation
doc_to_choice: contexts
metric_list: [{metric: acc}]""",
    "last_word": """output_type: loglikelihood
doc_to_text: "{{context}}"
doc_to_target: "{{' ' + continuation}}"
metric_list: [{metric: perplexity, aggregation: perplexity}, {metric: acc}]""",
    "text": """output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: byte_perplexity}, {metric: bits_per_byte}]""",
}
_OURS: dict[str, dict[str, Any]] = {
    "pairs": {"scorer": "minimal_pairs", "scorer_args": {"prefix": "harness", "lead": " "}},
    "choice": {"scorer": "multiple_choice", "scorer_args": {"context_template": "{context}\nAnswer:"}},
    "prompted": {"scorer": "multiple_choice", "scorer_args": {"context_template": "{context}"}},
    "partial": {"scorer": "partial_evaluation"},
    "last_word": {"scorer": "last_word", "requires": ["log_likelihood", "generate", "tokenize"]},
    "text": {
        "scorer": "language_modelling",
        "scorer_args": {"prefix": "harness", "windows": "rolling"},
        "main_metric": "bits_per_byte",
    },
}


def rows_of(name: str, number: int) -> list[dict[str, Any]]:
    """`number` items of a task, the same each time."""
    texts = [" ".join(text.split()) for text in shipped_texts() if len(text.split()) >= 30]
    rows = []
    for n in range(number):
        words = texts[n % len(texts)].split()
        at = (7 * n) % (len(words) - 24)
        head, rest = " ".join(words[at : at + 12]), words[at + 12 : at + 20]
        turned = " ".join(reversed(rest))
        row: dict[str, Any] = {"id": f"{n:04}"}
        if name == "pairs":
            row |= {"good": f"{head} {' '.join(rest)}", "bad": f"{head} {turned}"}
        elif name == "choice":
            options = [" ".join(rest), turned, " ".join(rest[::2]), " ".join([*rest[4:], *rest[:2], "of it"])]
            row |= {"context": head, "choices": options[n % 4 :] + options[: n % 4], "gold": -n % 4}
        elif name == "prompted":  # 20 to 90 words, and four choices of two to eight.
            row |= _prompted(texts, n)
        elif name == "partial":
            middle = " ".join(rest[:2])
            row |= {
                "contexts": [f"{head} {middle}", f"{head} {rest[5]}"],
                "gold": 0,
                "continuation": " ".join(rest[2:]),
            }
        elif name == "last_word":
            row |= {"context": f"{head} {' '.join(rest[:-1])}", "continuation": rest[-1]}
        else:
            row |= {"text": " ".join(texts[(n + k) % len(texts)] for k in range(1 + 2 * (n % 3)))}
        rows.append(row)
    return rows


def _prompted(texts: list[str], n: int) -> dict[str, Any]:
    """Each item begins with its own number. The harness takes two requests that are one text, split in two places, for
    one (0.4.13), and then reads probabilities at places of the wrong one of them."""
    words = [f"{n}.", *" ".join(texts[(n + k) % len(texts)] for k in range(4)).split()]
    size = 20 + (13 * n) % 71
    choices = [" ".join(words[at : at + 2 + (n + 3 * k) % 7]) for k, at in enumerate(range(size, size + 32, 8))]
    return {"context": " ".join(words[:size]), "choices": choices[n % 4 :] + choices[: n % 4], "gold": -n % 4}


def write(folder: Path, number: int, names: tuple[str, ...] = NAMES) -> None:
    """The tasks as the harness reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        data = folder / f"{name}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows_of(name, number)), encoding="utf-8")
        source = (
            f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {data}}}}}\ntest_split: test\n"
        )
        (folder / f"{name}.yaml").write_text(f"{source}{_YAML[name]}\nmetadata: {{version: 1}}\n", encoding="utf-8")


def ours(name: str, number: int) -> tuple[benchmarks.Benchmark, Dataset]:
    """The same task as our engine takes it."""
    declared: dict[str, Any] = {
        "id": name,
        "version": 1,
        "title": name,
        "task": "text-generation",
        "language": ["en"],
        "files": [{"path": "data/test.jsonl", "sha256": "0" * 64, "bytes": 1}],
        "reader": "jsonl",
        "fields": {"id": "id"},
        "labels": [],
        "split": "test",
        "subset_rule": "all",
        "main_metric": "accuracy",
        "higher_is_better": True,
        "unit": "fraction",
        "scale": {"low": 0.0, "high": 1.0, "kind": "linear"},
        "chance": None,
        "baseline": None,
        "licence": "Apache-2.0",
        "redistributable": True,
        "requires": ["log_likelihood"],
        "limits": {"seconds": 3600, "mib": 2048, "tokens": 1024},
        "prompt": None,
    }
    items = tuple(Item(row["id"], row) for row in rows_of(name, number))
    return benchmarks.parse(declared | _OURS[name]), Dataset(items=items)
