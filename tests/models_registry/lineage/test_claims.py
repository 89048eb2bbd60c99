"""What files say of parents: cards and configurations as public models spell them, one place each."""

import json

import pytest

from models_registry.lineage import claims_of, is_small_file
from models_registry.lineage.claims import parent_name


def told(files: dict[str, str], *, kind: str = "model", own: str = "ada/tiny") -> list[tuple[str, str, str, str]]:
    contents = {path: body.encode() for path, body in files.items() if is_small_file(path)}
    return [
        (claim.kind, claim.name, claim.relation, claim.evidence)
        for claim in claims_of(files, contents, kind=kind, own=own)
    ]


def card(front: str) -> dict[str, str]:
    return {"README.md": f"---\n{front}\n---\n# Tiny\n"}


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("base_model: acme/base", [("model", "acme/base", "finetune", "declared")]),
        ("base_model: [acme/base]", [("model", "acme/base", "finetune", "declared")]),
        (
            "base_model: [acme/one, acme/two]",
            [("model", "acme/one", "merge", "declared"), ("model", "acme/two", "merge", "declared")],
        ),
        (
            "base_model: acme/base\nbase_model_relation: quantized",
            [("model", "acme/base", "quantized", "declared")],
        ),
        ("base_model: acme/base\nlibrary_name: peft", [("model", "acme/base", "adapter", "declared")]),
        ("base_model: acme/base\ntags: [lora]", [("model", "acme/base", "adapter", "declared")]),
        ("base_model: acme/base\ntags: [mergekit]", [("model", "acme/base", "merge", "declared")]),
        ("base_model: acme/base\nbase_model_relation: odd", [("model", "acme/base", "unknown", "declared")]),
        ("base_model: https://example.org/acme/base/tree/main", [("model", "acme/base", "finetune", "declared")]),
        ("base_model: acme/base@v1.0", [("model", "acme/base", "finetune", "declared")]),
        ("base_model: gpt2", [("model", "gpt2", "finetune", "declared")]),
        ("base_model:\n- name: acme/base", [("model", "acme/base", "finetune", "declared")]),
        ("distilled from: acme/big", [("model", "acme/big", "distilled", "declared")]),
        ("distilled-from: [acme/big]", [("model", "acme/big", "distilled", "declared")]),
        ("teacher_model: acme/big", [("model", "acme/big", "distilled", "declared")]),
        ("quantized_from: acme/big", [("model", "acme/big", "quantized", "declared")]),
        (
            "merged models: [acme/one, acme/two]",
            [("model", "acme/one", "merge", "declared"), ("model", "acme/two", "merge", "declared")],
        ),
        (
            "datasets: [acme/texts, squad]",
            [("dataset", "acme/texts", "trained_on", "declared"), ("dataset", "squad", "trained_on", "declared")],
        ),
        ("datasets: [our own crawl of the web]", [("dataset", "", "trained_on", "declared")]),
        (
            "datasets: [acme/texts]\nmodel-index: [{results: [{dataset: {type: x/tests}}, {dataset: {type: glue}}]}]",
            [
                ("dataset", "acme/texts", "trained_on", "declared"),
                ("dataset", "x/tests", "evaluated_on", "declared"),
            ],
        ),
        ("base_model: null", []),
        ("base_model: 7", []),
        ("base_model: {deep: {deeper: x}}", []),
        ("datasets: [original]", []),
        ("base_model: ../../etc", [("model", "", "finetune", "declared")]),
    ],
)
def test_cards(front: str, expected: list[tuple[str, str, str, str]]):
    assert told(card(front)) == expected


def test_a_card_of_a_data_set_names_its_sources_and_no_models():
    front = "base_model: acme/base\ndatasets: [x/y]\nsource_datasets: [original, extended|acme/texts]"
    assert told(card(front), kind="dataset") == [("dataset", "acme/texts", "part_of", "declared")]


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (
            "adapter_config.json",
            {"peft_type": "LORA", "base_model_name_or_path": "acme/base"},
            [("acme/base", "adapter")],
        ),
        ("adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "/data/base"}, [("", "adapter")]),
        ("adapter_config.json", {"peft_type": "LORA"}, [("", "adapter")]),
        ("config.json", {"_name_or_path": "acme/base"}, [("acme/base", "finetune")]),
        ("config.json", {"_name_or_path": "bert-base-uncased"}, [("bert-base-uncased", "finetune")]),
        (
            "config.json",
            {"_name_or_path": "acme/base", "quantization_config": {"quant_method": "awq"}},
            [("acme/base", "quantized")],
        ),
        ("config.json", {"_name_or_path": "ada/tiny"}, []),  # Saved again, it names itself.
        ("config.json", {"_name_or_path": "output/checkpoint-500"}, []),
        ("config.json", {"_name_or_path": "./base"}, []),
        ("config.json", {"_name_or_path": "C:\\models\\base"}, []),
        ("config.json", {"_name_or_path": ["acme/base"]}, []),
        ("0_Transformer/config.json", {"_name_or_path": "acme/base"}, [("acme/base", "finetune")]),
        ("deep/er/config.json", {"_name_or_path": "acme/base"}, []),
        ("quantize_config.json", {"model_name_or_path": "acme/base"}, [("acme/base", "quantized")]),
        (
            "recipe.json",
            {"data": [{"repository": "smallhub/core-text-en", "path": "data/train.jsonl"}, {"repository": 3}, 7]},
            [("smallhub/core-text-en", "trained_on")],
        ),
    ],
)
def test_other_files(path: str, content: object, expected: list[tuple[str, str]]):
    found = told({path: json.dumps(content)})
    assert [(name, relation) for _, name, relation, _ in found] == expected
    assert all(evidence == "derived" for *_, evidence in found)


MERGE = """
slices:
  - sources:
      - model: acme/one
        layer_range: [0, 16]
      - model: acme/two+acme/lora
        layer_range: [0, 16]
base_model: {model: {path: /mnt/base}}
merge_method: slerp
"""


def test_a_merge_names_all_that_went_into_it():
    found = told({"mergekit_config.yml": MERGE})
    assert [name for _, name, _, _ in found] == ["acme/one", "acme/two", "acme/lora", ""]
    assert {relation for _, _, relation, _ in found} == {"merge"}


def test_a_card_and_a_file_that_name_the_same_are_one_link_with_both_places():
    files = card("base_model: Acme/Base") | {
        "adapter_config.json": '{"peft_type": "LORA", "base_model_name_or_path": "acme/base"}'
    }
    contents = {path: body.encode() for path, body in files.items()}
    (claim,) = claims_of(files, contents, kind="model", own="ada/tiny")
    assert (claim.relation, claim.evidence) == ("adapter", "declared")
    assert [(place.file, place.key) for place in claim.places] == [
        ("README.md", "base_model"),
        ("adapter_config.json", "base_model_name_or_path"),
    ]


def test_gguf_files_alone_are_a_quantised_form_of_the_base():
    files = card("base_model: acme/base") | {"tiny-Q8_0.gguf": ""}
    assert told(files) == [("model", "acme/base", "quantized", "declared")]


@pytest.mark.parametrize("body", ["{", "[]", "null", '{"_name_or_path": NaN}', "\x00", '{"a":' * 5000])
def test_files_of_strangers_never_raise(body: str):
    assert told({"config.json": body, "adapter_config.json": body, "recipe.json": body, "README.md": body}) == []


@pytest.mark.parametrize("text", ["", " ", "a/b/c", "a b/c", "a/..", "/x", "x" * 200, "acme/base\x00"])
def test_what_is_no_name(text: str):
    assert parent_name(text, bare=False) is None
