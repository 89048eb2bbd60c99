"""Lineage for programs: our own answer, and what the wire says of bases and children."""

import pytest
from django.test import Client

from models_registry.models import Repository, RepositoryTag, Visibility
from models_registry.services.repositories import set_visibility
from tests.factories.accounts import UserFactory, bearer
from tests.factories.lineage import family
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def test_parts_links_and_children(client: Client):
    tide = family(UserFactory(username="ada"))
    answer = client.get("/api/v1/models/ada/tide-tuned/lineage?limit=2").json()

    assert (answer["repository"], answer["commit"], answer["weights"]) == ("ada/tide-tuned", tide.head, "done")
    parts = {part["key"]: part for part in answer["parts"]}
    assert parts["model:acme-labs/other-base"]["licence_class"] == "non-commercial"
    assert parts["model:far/away"] == {
        "key": "model:far/away",
        "kind": "model",
        "name": "far/away",
        "place": "elsewhere",
        "licence": "",
        "licence_class": "unknown",
        "where": "",
        "says": "far/away",
    }
    links = {link["parent"]: link for link in answer["links"] if link["child"] == answer["root"]}
    assert links["model:acme-labs/tide-base"]["evidence"] == "verified"
    assert links["model:acme-labs/tide-base"]["places"] == [{"file": "README.md", "key": "base_model"}]
    assert links["model:acme-labs/tide-base"]["weights"]["near"] > 0.5
    assert links["model:acme-labs/words"]["from_weights"] is True
    assert answer["children"]["count"] == 3
    assert [child["name"] for child in answer["children"]["items"]] == [
        "acme-labs/tide-child-2",
        "acme-labs/tide-child-1",
    ]
    rest = client.get(f"/api/v1/models/ada/tide-tuned/lineage?cursor={answer['children']['next_cursor']}").json()
    assert [child["name"] for child in rest["children"]["items"]] == ["acme-labs/tide-child-0"]


def test_what_may_not_be_seen_is_not_told(client: Client):
    family(UserFactory(username="ada"))
    words = Repository.objects.get(name="words")
    set_visibility(repository=words, user=words.creator, visibility=Visibility.PRIVATE)
    answer = client.get("/api/v1/models/ada/tide-tuned/lineage")
    assert "words" not in answer.content.decode()
    (hidden,) = [part for part in answer.json()["parts"] if part["place"] == "unnamed" and part["kind"] == "model"]
    (link,) = [link for link in answer.json()["links"] if link["parent"] == hidden["key"]]
    assert link["weights"] is None
    seen = client.get("/api/v1/models/ada/tide-tuned/lineage", headers=bearer(words.creator))
    assert "acme-labs/words" in seen.content.decode()


def test_odd_questions_are_answered_clearly(client: Client):
    RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    at = "/api/v1/models/ada/tiny/lineage"
    assert client.get(f"{at}?limit=0").status_code == 400
    assert client.get(f"{at}?cursor=x").status_code == 400
    assert client.get(f"{at}?revision=never").status_code == 404
    assert client.get(f"{at}?revision=main").json()["weights"] == "none"
    assert client.get("/api/v1/datasets/ada/tiny/lineage").status_code == 401


def test_a_revision_has_its_own(client: Client):
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    old = put(tiny, {"README.md": "---\nbase_model: far/old\n---\n"})
    put(tiny, {"README.md": "---\nbase_model: far/new\n---\n"})
    answer = client.get(f"/api/v1/models/ada/tiny/lineage?revision={old.oid}").json()
    assert [part["name"] for part in answer["parts"]] == ["ada/tiny", "far/old"]


def test_the_wire_tells_relations_in_tags_and_counts_children(client: Client):
    ada = UserFactory(username="ada")
    base = RepositoryFactory(user=ada, name="base")
    child = RepositoryFactory(user=ada, name="child")
    config = '{"peft_type": "LORA", "base_model_name_or_path": "Ada/Base"}'
    put(child, {"adapter_config.json": config, "README.md": "---\nlicense: mit\n---\n"})
    hidden = RepositoryFactory(user=ada, name="hidden", private=True)
    put(hidden, {"README.md": "---\nlicense: mit\nbase_model: ada/base\n---\n"})

    told = client.get("/api/models/ada/child").json()
    assert {"base_model:Ada/Base", "base_model:adapter:Ada/Base"} <= set(told["tags"])
    assert RepositoryTag.objects.filter(tag="base_model:adapter:Ada/Base", repository=child).exists()
    bases = client.get("/api/models/ada/child?expand=baseModels").json()["baseModels"]
    assert bases == {"relation": "adapter", "models": [{"_id": base.public_id, "id": "ada/base"}]}
    counted = "/api/models/ada/base?expand=childrenModelCount"
    assert client.get(counted).json()["childrenModelCount"] == 1
    assert client.get(counted, headers=bearer(ada)).json()["childrenModelCount"] == 2
    assert [row["id"] for row in client.get("/api/models?filter=base_model:adapter:Ada/Base").json()] == ["ada/child"]
