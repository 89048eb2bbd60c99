"""The sets of the core suite for tagging, questions, translation, summaries, similarity, talks, programs and speech."""

import hashlib
import io
import json
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load
from evaluation.benchmarks.definition import parse
from evaluation.metrics import answers, chrf, correlation, rouge
from evaluation.metrics.entities import entities

CORE = Path(__file__).resolve().parents[3] / "evaluation" / "suites" / "core"
DOMAINS = {"healthcare", "finance", "education", "retail", "law", "general"}
SETS = {
    "core-tags-en": 150,
    "core-tags-zh": 130,
    "core-questions-en": 110,
    "core-questions-zh": 95,
    "core-translation-en-zh": 90,
    "core-translation-zh-en": 90,
    "core-summaries-en": 30,
    "core-similarity-en": 120,
    "core-similarity-zh": 120,
    "core-turns-en": 50,
    "core-turns-zh": 50,
    "core-programs": 40,
    "core-speech-en": 120,
}


def rows(name: str, split: str = "test") -> list[dict]:
    lines = (CORE / name / "data" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def declaration(name: str) -> dict:
    return json.loads((CORE / name / "benchmark.json").read_text(encoding="utf-8"))


def baseline(name: str) -> float:
    return declaration(name)["baseline"]["value"]


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_read_by_its_own_declaration_and_holds_what_it_promises(name):
    benchmark = parse(declaration(name))

    dataset = load(benchmark, CORE / name)

    assert benchmark.id == name
    assert len(dataset.items) == len(rows(name)) >= SETS[name]
    for file in benchmark.files:
        content = (CORE / name / file.path).read_bytes()
        assert (file.sha256, file.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert f"{len(dataset.items)} |" in (CORE / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in SETS if "domain" in rows(name)[0]])
def test_every_domain_has_its_share(name):
    counts = Counter(row["domain"] for row in rows(name))
    assert set(counts) == DOMAINS
    assert min(counts.values()) >= 5


@pytest.mark.parametrize("name", ["core-tags-en", "core-tags-zh"])
def test_names_are_labelled_rightly_and_train_shares_neither_frames_nor_names_with_test(name):
    seen = {}
    for split in ("train", "test"):
        texts, names, frames = set(), set(), set()
        for row in rows(name, split):
            assert len(row["tokens"]) == len(row["tags"])
            found = entities(row["tags"])
            assert sum(tag.startswith("B-") for tag in row["tags"]) == len(found)
            spans = {(first, last): kind for kind, first, last in found}
            names |= {" ".join(row["tokens"][first : last + 1]) for first, last in spans}
            masked = [("_" if tag != "O" else token) for token, tag in zip(row["tokens"], row["tags"], strict=True)]
            frames.add(" ".join(token for at, token in enumerate(masked) if token != "_" or masked[at - 1] != "_"))
            texts.add(" ".join(row["tokens"]))
        assert len(texts) == len(rows(name, split))
        seen[split] = (names, frames)
    assert not seen["train"][0] & seen["test"][0]
    assert not seen["train"][1] & seen["test"][1]


@pytest.mark.parametrize("name", ["core-questions-en", "core-questions-zh"])
def test_every_answer_stands_in_its_passage_and_the_baseline_is_the_whole_passage(name):
    tokens = answers.words if name.endswith("en") else answers.characters
    found = rows(name)
    assert all(answer in row["context"] for row in found for answer in row["answers"])
    assert len({(row["context"], row["question"]) for row in found}) == len(found)
    whole = sum(answers.f1(row["context"], row["answers"], tokens) for row in found) / len(found)
    assert baseline(name) == pytest.approx(whole, abs=1e-4)


def test_translations_are_the_same_pairs_in_both_directions():
    there, back = rows("core-translation-en-zh"), rows("core-translation-zh-en")
    assert [(row["source"], row["target"]) for row in there] == [(row["target"], row["source"]) for row in back]
    assert len({row["source"] for row in there}) == len({row["source"] for row in back}) == len(there)
    for name, found in (("core-translation-en-zh", there), ("core-translation-zh-en", back)):
        copied = sum(chrf.statistics(row["source"], [row["target"]]) for row in found)
        assert baseline(name) == pytest.approx(float(chrf.chrf(copied)), abs=0.01)


def test_a_summary_is_shorter_than_its_talk_and_the_baseline_is_the_first_line():
    found = rows("core-summaries-en")
    assert all(len(row["references"][0]) < len(row["source"]) for row in found)
    first = [rouge.best(row["source"].split("\n")[0], row["references"])["rougeL"] for row in found]
    assert baseline("core-summaries-en") == pytest.approx(sum(first) / len(first), abs=1e-4)


@pytest.mark.parametrize("name", ["core-similarity-en", "core-similarity-zh"])
def test_likeness_comes_in_five_degrees_and_shared_words_do_not_tell_all(name):
    found = rows(name)
    assert Counter(row["score"] for row in found) == dict.fromkeys((0.0, 1.0, 2.0, 3.5, 5.0), len(found) // 5)
    assert all(row["first"] != row["second"] for row in found)
    shared = np.array([_shared(row["first"], row["second"], chinese=name.endswith("zh")) for row in found])
    value = float(correlation.spearman(shared, np.array([row["score"] for row in found])))
    assert baseline(name) == pytest.approx(value, abs=1e-4)
    assert value < 0.75


def _shared(first: str, second: str, *, chinese: bool) -> float:
    def parts(text: str) -> set[str]:
        words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
        return {text[at : at + 2] for at in range(len(text) - 1)} if chinese else set(words)

    return len(parts(first) & parts(second)) / len(parts(first) | parts(second))


@pytest.mark.parametrize("name", ["core-turns-en", "core-turns-zh"])
def test_four_different_turns_the_right_one_anywhere(name):
    found = rows(name)
    assert all(len(set(row["choices"])) == 4 for row in found)
    places = Counter(row["gold"] for row in found)
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) <= len(found) * 0.45


def test_every_program_is_right_and_an_empty_one_is_not():
    parts = []
    for row in rows("core-programs"):
        check = f"{row['test']}\ncheck({row['entry_point']})"
        parts.append(
            f"exec({row['prompt'] + row['solution'] + row['test']!r} + '\\ncheck({row['entry_point']})', {{}})"
        )
        parts.append(
            f"try:\n    exec({row['prompt'] + '    pass' + chr(10) + check!r}, {{}})\n"
            f"except (AssertionError, TypeError):\n    pass\nelse:\n    raise SystemExit({row['id']!r})"
        )
    done = subprocess.run([sys.executable, "-I", "-c", "\n".join(parts)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_clips_are_short_even_in_loudness_and_all_of_them_are_listed():
    folder = CORE / "core-speech-en" / "data"
    found = rows("core-speech-en")
    assert {row["file"] for row in found} == {f"clips/{path.name}" for path in (folder / "clips").iterdir()}
    assert set(Counter(row["text"] for row in found).values()) == {6}
    for row in found:
        content = (folder / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        with wave.open(io.BytesIO(content)) as clip:
            assert (clip.getnchannels(), clip.getsampwidth(), clip.getframerate()) == (1, 2, 8000)
            samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
        assert 0.2 < len(samples) / 8000 < 1.2
        assert np.abs(samples).max() == 20000
