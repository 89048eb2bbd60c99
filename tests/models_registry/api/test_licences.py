"""What licences ask, over our own API."""

import json
from dataclasses import replace

import pytest

from models_registry.api.v1_licences import record_answer
from models_registry.licences import find
from models_registry.models import Kind
from models_registry.services.releases import create_release
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def card(licence: str, more: str = "") -> dict[str, bytes | str]:
    return {"README.md": f"---\nlicense: {licence}\n{more}---\n# Tiny\n"}


def made(licence: str, more: str = "", **traits):
    repository = RepositoryFactory(**traits)
    put(repository, card(licence, more))
    repository.refresh_from_db()
    return repository


def pin(repository, commit=None):
    return {"kind": repository.kind, "repository": repository.full_name, "commit": commit or repository.head}


def ask(client, items, **more):
    return client.post("/api/v1/licences", json.dumps({"items": items, **more}), content_type="application/json")


def test_what_one_version_asks(client):
    repository = made("apache-2.0")

    told = client.get(f"/api/v1/models/{repository.full_name}/licence").json()

    assert (told["licence"], told["licence_class"], told["chosen"]) == ("apache-2.0", "permissive", ["Apache-2.0"])
    terms = {row["term"]: row for row in told["obligations"]}
    assert terms["state-changes"]["because"] == [repository.full_name]
    assert terms["state-changes"]["section"]
    assert terms["state-changes"]["source"].startswith("https://")
    assert "not legal advice" in told["not_legal_advice"]


def test_a_non_commercial_base_is_carried_with_its_reason(client):
    base = made("cc-by-nc-4.0")
    child = made("mit", f"base_model: {base.full_name}\nbase_model_relation: finetune\n", user=base.creator)

    told = client.get(f"/api/v1/models/{child.full_name}/licence").json()

    assert told["verdict"] == "conflict"
    assert told["conflicts"]
    forbidden = next(row for row in told["obligations"] if row["term"] == "no-commercial-use")
    assert (forbidden["kind"], forbidden["because"]) == ("must-not", [base.full_name])


def test_of_several_choices_the_freest_is_taken_and_all_are_shown(client):
    repository = made("gpl-3.0-only OR mit")

    told = client.get(f"/api/v1/models/{repository.full_name}/licence").json()

    assert told["chosen"] == ["MIT"]
    assert {"MIT": "permissive"} in told["licence_choices"]
    assert {"GPL-3.0-only": "copyleft"} in told["licence_choices"]


def test_an_old_commit_has_its_own_licence_and_changes_are_listed(client):
    repository = made("mit")
    old = repository.head
    put(repository, card("gpl-3.0"))

    now = client.get(f"/api/v1/models/{repository.full_name}/licence").json()
    then = client.get(f"/api/v1/models/{repository.full_name}/licence?revision={old}").json()

    assert (now["licence"], then["licence"]) == ("gpl-3.0", "mit")
    assert next((row["old"], row["new"], row["way"]) for row in now["changes"]) == ("mit", "gpl-3.0", "stricter")
    assert client.get(f"/api/v1/models/{repository.full_name}/licence?revision=none").status_code == 404


def test_many_are_asked_at_once_in_order_and_what_is_hidden_is_as_what_is_missing(client):
    first, second = made("mit"), made("cc-by-4.0", dataset=True)
    create_release(repository=first, user=first.creator, name="v1.0.0")
    hidden = made("mit", private=True)
    items = [pin(second), pin(hidden), pin(first), pin(first, "0" * 40), pin(first) | {"repository": "no/body"}]

    rows = ask(client, items).json()["items"]

    assert [row["found"] for row in rows] == [True, False, True, False, False]
    assert [row.get("licence") for row in rows] == ["cc-by-4.0", None, "mit", None, None]
    assert rows[2]["release"] == "v1.0.0"
    assert rows[1] == {**pin(hidden), "found": False}
    client.force_login(hidden.creator)
    assert ask(client, [pin(hidden)]).json()["items"][0]["licence"] == "mit"


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"kind": "model", "repository": "a/b", "commit": "main"},
        {"kind": "thing", "repository": "a/b", "commit": "0" * 40},
        {"kind": "model", "repository": "a\x00/b", "commit": "0" * 40},
        {"kind": "model", "repository": ["a/b"], "commit": "0" * 40},
        "a/b",
    ],
)
def test_odd_questions_are_refused(client, item):
    assert ask(client, [item]).status_code == 400


def test_there_is_an_end_to_how_many(client):
    items = [{"kind": "model", "repository": "a/b", "commit": "0" * 40}] * 201
    assert ask(client, items).status_code == 400
    assert ask(client, items[:200]).status_code == 200
    assert client.post("/api/v1/licences", "[", content_type="application/json").status_code == 400


def test_a_notice_names_all_of_it(client):
    base = made("apache-2.0")
    child = made("mit", f"base_model: {base.full_name}\nbase_model_relation: finetune\n", user=base.creator)
    put(child, {"NOTICE": "Tiny\nby Ada\n", "LICENSE": "MIT"})
    child.refresh_from_db()
    create_release(repository=child, user=child.creator, name="v1.0.0")

    answer = client.get(f"/api/v1/models/{child.full_name}/notice")

    text = answer.content.decode()
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    for part in (
        f"{child.full_name} v1.0.0 (model)",
        child.head,
        "Licence: MIT",
        f"By: {child.namespace.name}",
        f"fine-tuned from {base.full_name} (Apache-2.0; declared)",
        "Text in the version: LICENSE",
        "    by Ada",
        "not legal advice",
    ):
        assert part in text
    many = ask(client, [pin(child), pin(base)], notice=True).json()["notice"]
    assert base.full_name in many
    assert many.index(child.full_name) < many.index(f"{base.full_name} (model)")


def test_a_gated_version_shows_its_terms_but_not_its_own_notice(client):
    repository = made("mit")
    put(repository, {"NOTICE": "secret words"})
    repository.gated = "manual"
    repository.save(update_fields=["gated"])

    text = client.get(f"/api/v1/models/{repository.full_name}/notice").content.decode()

    assert "Licence: MIT" in text
    assert "secret words" not in text


def test_records_of_licences(client):
    rows = client.get("/api/v1/licences").json()["items"]
    assert {"MIT", "Apache-2.0"} <= {row["id"] for row in rows}
    one = client.get("/api/v1/licences/APACHE-2.0").json()
    assert one["id"] == "Apache-2.0"
    assert any(clause["term"] == "patent-granted" for clause in one["clauses"])
    assert (one["reviewed"], one["remark"]) == (find("Apache-2.0").reviewed.isoformat(), "")
    unread = record_answer(replace(find("Apache-2.0"), reviewed=None))
    assert (unread["reviewed"], "from memory" in unread["remark"]) == (None, True)
    missing = client.get("/api/v1/licences/none-of-these")
    assert (missing.status_code, missing.json()["code"]) == (404, "licence_not_found")


def test_rules_need_a_member(client):
    assert client.get("/api/v1/licence-rules").json() == {"items": []}
    client.force_login(UserFactory())
    assert client.get("/api/v1/licence-rules?organisation=nobody").json() == {"items": []}
    assert client.get("/api/v1/licence-rules?organisation=a%00b").status_code == 400


def test_every_list_finds_classes_ids_and_parts_of_expressions(client):
    free = made("apache-2.0")
    both = made("apache-2.0 OR gpl-3.0-only")
    words = made("cc-by-nc-4.0", dataset=True)

    def v1(value, plural="models"):
        rows = client.get(f"/api/v1/repositories/{plural}?licence={value}").json()["items"]
        return {row["repository"] for row in rows}

    def wire(value, plural="models"):
        return {row["id"] for row in client.get(f"/api/{plural}?licence={value}").json()}

    for ask_for in (v1, wire):
        assert ask_for("Apache-2.0") == {free.full_name, both.full_name}
        assert ask_for("gpl-3.0") >= {both.full_name}
        assert ask_for("permissive") == {free.full_name, both.full_name}
        assert ask_for("non-commercial", "datasets") == {words.full_name}
        assert ask_for("copyleft") == set()
    assert words.kind == Kind.DATASET
