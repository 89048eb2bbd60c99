"""Bills of materials over the API: of a measured model, of a data set, of what is gated."""

import pytest

from models_registry.services.releases import create_release
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory, put
from tests.models_registry.bills.test_bills import check_cyclonedx, check_spdx

pytestmark = pytest.mark.django_db


def bill(client, repository, **query):
    plural = {"model": "models", "dataset": "datasets"}[repository.kind]
    return client.get(f"/api/v1/{plural}/{repository.full_name}/sbom", query)


@pytest.fixture
def grammar():
    return benchmark(language=["en"])


@pytest.fixture
def child(grammar):
    base = model(name="base")
    made = model(name="child", user=base.creator)
    card = f"---\nlicense: mit\nbase_model: {base.full_name}\nbase_model_relation: finetune\n---\n"
    put(made, {"README.md": card, "config.json": "{}"})
    made.refresh_from_db()
    measured(made, {grammar: 0.8})
    create_release(repository=made, user=made.creator, name="v1.0.0")
    return made


def test_scores_come_with_receipts_and_weights_with_hashes(client, child, grammar):
    document = bill(client, child, revision="v1.0.0").json()

    check_cyclonedx(document)
    subject = document["metadata"]["component"]
    assert subject["version"] == "v1.0.0"
    (metric,) = subject["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert float(metric["value"]) == 0.8
    assert metric["slice"].startswith(grammar.key)
    assert "/api/v1/receipts/" in subject["modelCard"]["properties"][0]["value"]
    assert {"README.md", "config.json"} <= {row["name"] for row in document["components"] if row["type"] == "file"}
    assert any(row["name"] == "base" for row in document["components"])


def test_the_same_in_spdx(client, child):
    answer = bill(client, child, format="spdx")

    assert answer["Content-Type"] == "application/spdx+json"
    module, objects = check_spdx(answer.json())
    subject = next(each for each in objects.foreach_type(module.ai_AIPackage) if each.name == child.full_name)
    assert subject.ai_metric


def test_of_a_private_data_set_no_more_is_told_than_the_card_says(client, child):
    hidden = RepositoryFactory(private=True, dataset=True, user=child.creator)
    put(hidden, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})
    card = f"---\nlicense: mit\ndatasets: [{hidden.full_name}]\n---\n"
    put(child, {"README.md": card})

    answer = bill(client, child)

    check_cyclonedx(answer.json())
    part = next(row for row in answer.json()["components"] if row["type"] == "data")
    assert "licenses" not in part, "the card names it, and no more is told"
    assert "externalReferences" not in part


def test_what_is_gated_keeps_its_files(client, child):
    child.gated = "manual"
    child.save(update_fields=["gated"])

    document = bill(client, child).json()

    check_cyclonedx(document)
    assert not [row for row in document["components"] if row["type"] == "file"]
    assert "left out" in str(document["metadata"]["properties"])


def test_formats_and_revisions_that_there_are_not(client, child):
    assert bill(client, child, format="xml").status_code == 400
    assert bill(client, child, revision="none").status_code == 404
    assert client.get("/api/v1/models/no/body/sbom").status_code in (401, 404)
    words = RepositoryFactory(dataset=True)
    check_spdx(bill(client, words, format="spdx").json())
