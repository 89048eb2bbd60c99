"""Lists of the wire: filters, orders, cursors, properties (E12 to E16)."""

import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from models_registry.models import Gated, Kind, Repository
from tests.factories.accounts import UserFactory, token
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
MODEL_EXPAND = (
    "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults "
    "gated gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index "
    "pipeline_tag private resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore "
    "usedStorage widgetData"
).split()
DATASET_EXPAND = (
    "author cardData citation createdAt description disabled downloads downloadsAllTime gated lastModified likes "
    "mainSize paperswithcode_id private resourceGroup sha siblings tags trendingScore usedStorage"
).split()
SPACE_EXPAND = (
    "author cardData createdAt datasets disabled lastModified likes models private region resourceGroup runtime sdk "
    "sha siblings subdomain tags trendingScore usedStorage"
).split()


def listed(client: Client, query: str, kind: str = "models") -> list[dict[str, Any]]:
    response = client.get(f"/api/{kind}?{query}")
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def ids(client: Client, query: str, kind: str = "models") -> list[str]:
    return [item["id"] for item in listed(client, query, kind)]


def model(name: str, card: str = "", files: dict[str, bytes | str] | None = None, **more: Any) -> Repository:
    repository = RepositoryFactory(name=name, **more)
    declared = card if "license:" in card else f"{card}\nlicense: isc"  # Else it is a draft, and in no list.
    put(repository, {"README.md": f"---\n{declared}\n---\n# {name}\n", **(files or {})})
    repository.refresh_from_db()
    return repository


@pytest.mark.parametrize(
    ("kind", "expected"), [("models", MODEL_EXPAND), ("datasets", DATASET_EXPAND), ("spaces", SPACE_EXPAND)]
)
def test_an_unknown_property_is_refused_with_the_list_of_those_there_are(
    client: Client, kind: str, expected: list[str]
) -> None:
    response = client.get(f"/api/{kind}?expand=author&expand=nonsense")

    assert response.status_code == 400
    message = response.json()["error"]
    assert sorted(re.findall(r'"([^"]+)"', message.split("expected one of ", 1)[1])) == sorted(expected)
    assert message.endswith("at expand[1]")


@pytest.mark.parametrize(
    ("kind", "names"),
    [(Kind.MODEL, MODEL_EXPAND), (Kind.DATASET, DATASET_EXPAND), (Kind.APP, SPACE_EXPAND)],
)
def test_expand_gives_just_what_is_asked_for(client: Client, kind: Kind, names: list[str]) -> None:
    repository = model("one", kind=kind)
    plural = {"model": "models", "dataset": "datasets", "app": "spaces"}[kind]
    ids_only = {"_id", "id", "modelId"} if kind is Kind.MODEL else {"_id", "id"}

    for name in names:
        (item,) = listed(client, f"expand={name}", plural)
        assert item.keys() == ids_only | {name}
        alone = client.get(f"/api/{plural}/{repository.full_name}?expand={name}").json()
        assert alone == item


def test_config_and_class_are_read_from_the_files_of_the_revision(client: Client) -> None:
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"], "quantization_config": {"quant_method": "x"}}
    tokenizer = {"mask_token": {"content": "[MASK]"}, "pad_token": "[PAD]", "bos_token": None}
    files = {"config.json": json.dumps(config), "tokenizer_config.json": json.dumps(tokenizer)}
    repository = model("bert", "license: mit", files)
    first = repository.head
    put(repository, {"config.json": "{}", "README.md": "Nothing."})

    now = client.get(f"/api/models/{repository.full_name}").json()
    then = client.get(f"/api/models/{repository.full_name}/revision/{first}").json()

    assert "transformersInfo" not in now
    assert now["sha"] != then["sha"] == first
    assert then["config"] == {
        "architectures": ["BertForMaskedLM"],
        "model_type": "bert",
        "quantization_config": {"quant_method": "x"},
        "tokenizer_config": {"pad_token": "[PAD]", "mask_token": "[MASK]"},
    }
    assert then["mask_token"] == "[MASK]"
    assert then["transformersInfo"] == {
        "auto_model": "AutoModelForMaskedLM",
        "pipeline_tag": "fill-mask",
        "processor": "AutoTokenizer",
    }
    assert "license:mit" in then["tags"]
    assert "license:mit" not in now["tags"]


def test_filters_narrow_to_what_carries_all_of_them(client: Client) -> None:
    german = model("german", "language: de\nlicense: mit\ntags: [small]\npipeline_tag: translation\ndatasets: [a/b]")
    paper = model("paper", "license: apache-2.0", {"model.gguf": b"x"})
    put(paper, {"README.md": "---\nlicense: isc\n---\nSee https://arxiv.org/abs/1706.03762 for more."})
    Repository.objects.filter(pk=german.pk).update(parameters=5_000_000)
    Repository.objects.filter(pk=paper.pk).update(gated=Gated.AUTO, parameters=2_000_000_000)
    both = {german.full_name, paper.full_name}

    expected = {
        "filter=de": {german.full_name},
        "filter=language:de&filter=small": {german.full_name},
        "filter=small&filter=license:apache-2.0": set(),
        "filter=dataset:a/b": {german.full_name},
        "filter=arxiv:1706.03762": {paper.full_name},
        "filter=translation": {german.full_name},
        "pipeline_tag=translation": {german.full_name},
        "gated=true": {paper.full_name},
        "gated=False": {german.full_name},
        "apps=llama.cpp": {paper.full_name},
        "apps=nothing": set(),
        "num_parameters=min:1B": {paper.full_name},
        "num_parameters=min:1M,max:10M": {german.full_name},
        "inference=warm": set(),
        "search=germ": {german.full_name},
        f"author={german.namespace.name.upper()}": {german.full_name},
        "": both,
    }

    assert {query: set(ids(client, query)) for query in expected} == expected


@pytest.mark.parametrize("query", ["num_parameters=lots", "sort=size", "limit=0", "limit=x", "cursor=x", "expand=x"])
def test_what_cannot_be_meant_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/api/models?{query}").status_code == 400


def test_apps_are_found_by_what_they_use_and_models_know_their_apps(client: Client) -> None:
    used = model("used")
    app = model("app", f"models: [{used.full_name}]\ndatasets: [x/y]", kind=Kind.APP)
    model("alone", kind=Kind.APP)
    hidden = model("hidden", f"models: [{used.full_name}]", kind=Kind.APP, private=True)
    child = model("child", f"base_model: {used.full_name}")

    assert ids(client, f"models={used.full_name}", "spaces") == [app.full_name]
    assert ids(client, "datasets=x/y", "spaces") == [app.full_name]
    assert ids(client, "linked=true", "spaces") == [app.full_name]
    told = client.get(f"/api/models/{used.full_name}?expand=spaces&expand=childrenModelCount").json()
    assert told["spaces"] == [app.full_name]
    assert told["childrenModelCount"] == 1
    base = client.get(f"/api/models/{child.full_name}?expand=baseModels").json()["baseModels"]
    assert base == {"relation": "finetune", "models": [{"_id": used.public_id, "id": used.full_name}]}
    owner = {"Authorization": f"Bearer {token(hidden.creator)}"}
    mine = client.get(f"/api/models/{used.full_name}?expand=spaces", headers=owner).json()
    assert hidden.full_name in mine["spaces"]


@pytest.mark.parametrize("sort", ["createdAt", "downloads", "lastModified", "likes", "trendingScore", ""])
@pytest.mark.parametrize("direction", ["", "&direction=-1", "&direction=1"])
def test_pages_neither_repeat_nor_drop_rows_of_equal_rank(client: Client, sort: str, direction: str) -> None:
    rows = [RepositoryFactory() for _ in range(7)]
    for at, row in enumerate(rows):
        Repository.objects.filter(pk=row.pk).update(downloads=at // 3, likes=at // 2, trending_score=at / 3 // 1 * 0.1)

    seen: list[str] = []
    url = f"/api/models?limit=2&sort={sort}{direction}"
    while url:
        response = client.get(url)
        page = [item["id"] for item in response.json()]
        assert len(page) <= 2
        seen += page
        match = re.fullmatch(r'<http://testserver(.*)>; rel="next"', response.get("Link", ""))
        url = match[1] if match else ""

    assert sorted(seen) == sorted(row.full_name for row in rows)
    if sort == "downloads":
        newest = rows[-1].full_name
        assert (seen[-1] if direction == "&direction=1" else seen[0]) == newest


def test_a_page_costs_the_same_queries_whatever_its_length(client: Client, django_assert_max_num_queries: Any) -> None:
    query = "&".join(f"expand={name}" for name in MODEL_EXPAND)
    base = model("base")
    for at in range(12):
        model(f"m-{at}", f"base_model: {base.full_name}")
    model("app", f"models: [{base.full_name}]", kind=Kind.APP)

    with django_assert_max_num_queries(8):
        assert len(listed(client, query)) == 13


def test_private_repositories_are_listed_for_those_who_see_them(client: Client) -> None:
    hidden = model("hidden", private=True)
    stranger = {"Authorization": f"Bearer {token(UserFactory())}"}
    owner = {"Authorization": f"Bearer {token(hidden.creator)}"}

    assert client.get("/api/models").json() == client.get("/api/models", headers=stranger).json() == []
    assert [item["id"] for item in client.get("/api/models", headers=owner).json()] == [hidden.full_name]


def test_tags_are_told_by_type_and_private_ones_are_not(client: Client) -> None:
    cache.clear()
    model("one", "language: de\nlicense: mit\ntags: [small]\npipeline_tag: translation\nlibrary_name: transformers")
    model("two", "tags: [secret]", private=True)
    model("data", "task_categories: [text-classification]\nlanguage: en", kind=Kind.DATASET)

    models = client.get("/api/models-tags-by-type").json()
    datasets = client.get("/api/datasets-tags-by-type").json()
    cache.clear()

    assert {"id": "translation", "label": "Translation", "type": "pipeline_tag"} in models["pipeline_tag"]
    assert [tag["id"] for tag in models["library"]] == ["transformers"]
    assert {"id": "license:mit", "label": "MIT", "type": "license"} in models["license"]
    assert {"id": "de", "label": "German", "type": "language"} in models["language"]
    assert [tag["id"] for tag in models["other"]] == ["small"]
    assert {"id": "language:en", "label": "English", "type": "language"} in datasets["language"]
    assert datasets["task_categories"][0]["id"] == "task_categories:text-classification"
