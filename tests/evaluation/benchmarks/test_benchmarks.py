"""Declarations, readers, tiers and the fitting of labels."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from evaluation import benchmarks
from evaluation.benchmarks import BadData, BadDefinition, Tier, external, labels, rules, select
from evaluation.benchmarks.definition import READERS as DECLARABLE_READERS
from evaluation.benchmarks.definition import SCORERS as DECLARABLE
from evaluation.benchmarks.structures import READERS
from evaluation.metrics.entities import entities
from evaluation.scorers import SCORERS
from tests.factories.tiny_models import SUITES
from tests.requirements import SHARED, require

BENCHMARK_DATA = SHARED / "benchmarks"


def declared(**changes: Any) -> dict[str, Any]:
    return {
        "id": "toy",
        "version": 1,
        "title": "Toy",
        "task": "text-classification",
        "language": ["en"],
        "files": [{"path": "data/test.jsonl", "sha256": "0" * 64, "bytes": 1}],
        "reader": "jsonl",
        "fields": {"id": "id", "text": "text", "label": "label"},
        "labels": ["a", "b"],
        "split": "test",
        "subset_rule": "all",
        "scorer": "classification",
        "scorer_args": {},
        "main_metric": "accuracy",
        "higher_is_better": True,
        "unit": "fraction",
        "scale": {"low": 0, "high": 1, "kind": "linear"},
        "chance": 0.5,
        "baseline": {"name": "majority", "value": 0.5},
        "licence": "Apache-2.0",
        "redistributable": True,
        "requires": ["classify"],
        "limits": {"seconds": 60, "mib": 512, "tokens": 128},
        "prompt": None,
    } | changes


def test_every_declarable_scorer_exists_and_has_rules() -> None:
    assert set(SCORERS) == DECLARABLE == rules.ROLES.keys() == rules.METRICS.keys()


def test_every_declarable_reader_exists() -> None:
    assert READERS.keys() == DECLARABLE_READERS


@pytest.mark.parametrize("path", sorted(SUITES.glob("*/benchmark.json")), ids=lambda path: path.parent.name)
def test_the_shipped_suites_are_read(path: Path) -> None:
    benchmark = benchmarks.parse(json.loads(path.read_text(encoding="utf-8")))

    items = benchmarks.load(benchmark, path.parent).items

    assert len(items) >= 20
    assert [item.id for item in items] == sorted(item.id for item in items)


ROWS = {
    "ag_news": 7600,
    "arc_easy": 2376,
    "blimp_full": 67000,
    "blimp_sub50": 3350,
    "cmrc2018": 3219,
    "copa": 100,
    "csl_title": 1000,
    "dialogsum": 500,
    "fewclue_eprstmt": 610,
    "fewclue_tnews": 2010,
    "fsdd": 300,
    "humaneval": 164,
    "lambada_openai": 5153,
    "librivox5": 5,
    "mbpp": 500,
    "multi30k_ende": 1000,
    "multi30k_enfr": 1000,
    "mutual": 886,
    "piqa": 1838,
    "sms_spam": 1096,
    "sst2": 872,
    "sst2_test": 1821,
    "stsb_en": 1379,
    "stsb_zh": 1379,
    "tinyshakespeare": 23,
    "trec": 500,
    "weibo_ner": 270,
    "wikitext2": 62,
    "winogrande": 1267,
    "wmt23_enzh": 2074,
    "wnut17": 1287,
    "xquad_en": 1190,
    "xquad_zh": 1190,
}


@pytest.mark.parametrize("name", ROWS)
def test_the_declared_public_sets_are_read_from_their_own_files(name: str) -> None:
    benchmark = benchmarks.parse(external.declaration(name))
    rules.check(benchmark)
    require("benchmark data")
    # The folder is the set's name, or what comes before its edition.
    folder = next(path for path in (BENCHMARK_DATA / name, BENCHMARK_DATA / name.split("_")[0]) if path.is_dir())

    items = benchmarks.load(benchmark, folder).items

    assert len(items) == ROWS[name]
    assert {file.path for file in benchmark.files} <= listed_in_manifest(folder.name)
    for item in items[:20]:
        assert item.values.keys() >= {benchmark.scorer_args.get(role, role) for role in rules.ROLES[benchmark.scorer]}


@lru_cache
def listed_in_manifest(folder: str) -> frozenset[str]:
    rows = json.loads((BENCHMARK_DATA / "MANIFEST.json").read_text(encoding="utf-8"))
    return frozenset(row["file"].removeprefix(f"{folder}/") for row in rows if row["file"].startswith(f"{folder}/"))


@pytest.mark.parametrize(("name", "number"), [("wnut17", 1079), ("weibo_ner", 414)])
def test_the_tagging_sets_hold_the_entities_that_are_told_of_them(name: str, number: int) -> None:
    require("benchmark data")
    benchmark = benchmarks.parse(external.declaration(name))

    # Four insides in weibo_ner follow no beginning: entities in seqeval's default mode, none by the letter.
    found = [entities(item["tags"], mode="strict") for item in benchmarks.load(benchmark, BENCHMARK_DATA / name).items]

    assert sum(map(len, found)) == number
    assert {entity[0] for sentence in found for entity in sentence} == set(benchmark.labels)


def test_all_declared_public_sets_are_tried_above() -> None:
    assert set(external.names()) == set(ROWS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "Bad Id"}, "id"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"files": []}, "files"),
        ({"files": [{"path": "../x", "sha256": "0" * 64, "bytes": 1}]}, "files"),
        ({"files": [{"path": "/x", "sha256": "0" * 64, "bytes": 1}]}, "files"),
        ({"files": [{"path": "x", "sha256": "xyz", "bytes": 1}]}, "sha256"),
        ({"files": [{"path": "data/train.jsonl", "sha256": "0" * 64, "bytes": 1}]}, "files"),
        ({"reader": "python"}, "reader"),
        ({"scorer": "magic"}, "scorer"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": ["a", "a"]}, "labels"),
        ({"scale": {"low": 1, "high": 0, "kind": "linear"}}, "scale"),
        ({"scale": {"low": 0, "high": 1, "kind": "log"}}, "scale"),
        ({"scale": {"low": 0, "high": float("inf"), "kind": "linear"}}, "high"),
        ({"requires": ["telepathy"]}, "requires"),
        ({"higher_is_better": 1}, "higher_is_better"),
        ({"scorer": "probe_classification"}, "files"),
    ],
)
def test_a_faulty_declaration_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadDefinition, match=f"^{field}"):
        benchmarks.parse(declared(**changes))


def test_another_hubs_names_of_capabilities_are_understood() -> None:
    assert benchmarks.parse(declared(requires=["seq_classification"])).requires == {"classify"}


def written(folder: Path, content: bytes, **changes: Any) -> benchmarks.Benchmark:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "test.jsonl").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    file = {"path": "data/test.jsonl", "sha256": digest, "bytes": len(content)}
    return benchmarks.parse(declared(files=[file], **changes))


def test_changed_data_are_not_read(tmp_path: Path) -> None:
    benchmark = written(tmp_path, b'{"id": "1", "text": "x", "label": "a"}\n')
    (tmp_path / "data" / "test.jsonl").write_bytes(b'{"id": "1", "text": "y", "label": "a"}\n')

    with pytest.raises(BadData, match="SHA-256 differs"):
        benchmarks.load(benchmark, tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"id": "1", "text": "x"}\n', "no column 'label'"),
        (b"[1]\n", "not an object"),
        (b"{\n", "not JSON"),
        (b"\xff\n", "not utf-8"),
        (b"", "no item"),
        (b'{"id": "1", "text": "x", "label": "a"}\n' * 2, "comes twice"),
    ],
)
def test_faulty_rows_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        benchmarks.load(written(tmp_path, content), tmp_path)


def test_line_separators_inside_a_text_do_not_cut_it(tmp_path: Path) -> None:
    content = json.dumps({"id": "1", "text": "a\u2028b\x85c", "label": "a"}, ensure_ascii=False).encode() + b"\n"

    (item,) = benchmarks.load(written(tmp_path, content), tmp_path).items

    assert item["text"] == "a\u2028b\x85c"


def test_tiers_are_nested_and_do_not_depend_on_the_order_of_the_file() -> None:
    benchmark = benchmarks.parse(declared())
    items = tuple(benchmarks.Item(str(number), {"text": "", "label": "a"}) for number in range(1000))

    quick = select(benchmark, items, Tier.QUICK)

    assert len(quick) == 200
    assert select(benchmark, items, Tier.STANDARD) == items
    assert quick == select(benchmark, items[::-1], Tier.QUICK)
    expected = min(items, key=lambda item: hashlib.sha256(f"toy:{item.id}".encode()).hexdigest())
    assert expected in quick
    assert quick == tuple(sorted(quick, key=lambda item: item.id))


def test_the_quick_tier_of_blimp_is_ten_pairs_of_each_paradigm_by_the_sets_own_rule() -> None:
    require("benchmark data")
    benchmark = benchmarks.parse(external.declaration("blimp_sub50"))
    items = benchmarks.load(benchmark, BENCHMARK_DATA / "blimp").items

    quick = select(benchmark, items, Tier.QUICK)

    assert len(quick) == 670
    first = [item for item in items if item["paradigm"] == "adjunct_island"]
    ranked = sorted(first, key=lambda item: hashlib.sha256(item.id.encode()).hexdigest())
    assert {item.id for item in ranked[:10]} <= {item.id for item in quick}


@pytest.mark.parametrize(
    ("model", "wanted", "expected"),
    [
        (["NEGATIVE", "POSITIVE"], ["negative", "positive"], {"NEGATIVE": "negative", "POSITIVE": "positive"}),
        (["pos", "neg"], ["Negative", "Positive"], {"pos": "Positive", "neg": "Negative"}),
        (["Sci/Tech", "World"], ["World", "sci_tech"], {"Sci/Tech": "sci_tech", "World": "World"}),
        (["public life", "sports"], ["sport", "public-life"], {"public life": "public-life", "sports": "sport"}),
    ],
)
def test_labels_are_matched_by_what_they_say(model: list[str], wanted: list[str], expected: dict[str, str]) -> None:
    assert labels.match(model, wanted) == expected


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (["LABEL_0", "LABEL_1"], "no label for negative, positive; the set does not know LABEL_0"),
        (["negative", "neutral", "positive"], "does not know neutral"),
        (["negative"], "no label for positive"),
        (["neg", "negative", "positive"], "mean the same"),
        ([], "no label for"),
    ],
)
def test_labels_that_do_not_match_say_which(model: list[str], reason: str) -> None:
    with pytest.raises(labels.LabelsDiffer, match=reason):
        labels.match(model, ["negative", "positive"])


def test_a_set_may_declare_its_own_synonyms() -> None:
    found = labels.match(["LABEL_0", "LABEL_1"], ["ham", "spam"], {"ham": ["label_0"], "spam": ["label_1"]})

    assert found == {"LABEL_0": "ham", "LABEL_1": "spam"}


def test_what_does_not_apply_says_why() -> None:
    benchmark = benchmarks.parse(declared())

    assert benchmarks.applies(benchmark, {"classify"}, ["A", "b"]).applies
    assert benchmarks.applies(benchmark, {"classify"}, ["x", "b"]).reason.startswith("The labels do not match: ")
    assert benchmarks.applies(benchmark, {"embed"}, None).reason == "It needs a model that labels texts."


def test_a_probe_is_a_benchmark_of_its_own() -> None:
    files = [{"path": f"data/{split}.jsonl", "sha256": "0" * 64, "bytes": 1} for split in ("train", "test")]

    probe = benchmarks.parse(benchmarks.probe_variant(declared(files=files)))

    assert (probe.id, probe.requires) == ("toy-probe", {"embed"})
