"""Plain models learn from real texts: what a trainer makes of the train split is far above knowing nothing."""

import pytest
from smallhub.runtimes import linear as linear_module
from smallhub.runtimes import tree as tree_module
from smallhub.runtimes.crf_training import train

from tests.requirements import SHARED, require

BENCHMARKS = SHARED / "benchmarks"


def sentiment(name):
    rows = (BENCHMARKS / "sst2" / f"stsa.binary.{name}").read_text(encoding="utf-8").splitlines()
    return [row[2:] for row in rows], [row[0] for row in rows]


def questions(name):
    rows = (BENCHMARKS / "trec" / f"TREC.{name}").read_text(encoding="latin-1").splitlines()
    return [row.split(" ", 1)[1] for row in rows], [row.split(":", 1)[0] for row in rows]


@pytest.mark.parametrize(
    ("module", "read", "splits", "least"),
    [
        (linear_module, sentiment, ("train", "dev"), 0.78),
        (linear_module, questions, ("train", "test"), 0.82),
        (tree_module, questions, ("train", "test"), 0.65),
    ],
    ids=["linear on sst2", "linear on trec", "forest on trec"],
)
def test_real_texts_are_learnt(module, read, splits, least):
    require("benchmark data")
    settings = {"epochs": 3} if module is linear_module else {"trees": 5, "max_features": 400}
    model = module.train(*read(splits[0]), **settings)
    texts, labels = read(splits[1])

    right = sum(answer.label == label for answer, label in zip(model.classify(texts), labels, strict=True))

    print(f"accuracy {right / len(labels):.4f} of {len(labels)}")
    assert right / len(labels) > least


def conll(path):
    sentences = [[]]
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            sentences[-1].append(line.strip().split("\t"))
        elif sentences[-1]:
            sentences.append([])
    kept = [rows for rows in sentences if rows]
    return [[word for word, _ in rows] for rows in kept], [[label for _, label in rows] for rows in kept]


def test_real_sentences_are_learnt():
    require("benchmark data")
    words, labels = conll(BENCHMARKS / "wnut17" / "wnut17train.conll")
    rich = [n for n, row in enumerate(labels) if any(label != "O" for label in row)][:400]
    losses = []
    model = train([words[n] for n in rich], [labels[n] for n in rich], epochs=4, on_epoch=lambda _, x: losses.append(x))

    held = [n for n in range(len(words)) if n not in set(rich)][:300]
    tagged = model.tag([words[n] for n in held])
    plain = sum(label == "O" for n in held for label in labels[n])
    right = sum(a == b for n, row in zip(held, tagged, strict=True) for a, b in zip(row, labels[n], strict=True))
    learnt = model.tag([words[n] for n in rich])
    hits = sum(a == b != "O" for n, row in zip(rich, learnt, strict=True) for a, b in zip(row, labels[n], strict=True))
    wanted = sum(label != "O" for n in rich for label in labels[n])

    print(f"losses {losses}; held out {right} of {plain}; learnt {hits} of {wanted}")
    assert losses == sorted(losses, reverse=True)
    assert hits / wanted > 0.6
    assert right / sum(len(row) for row in tagged) > 0.9
