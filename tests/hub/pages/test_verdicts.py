"""Pages that say whether a version is better: the line of versions, flipped items, the gate, the badge."""

import json
import re

import pytest
from django.test import Client

from evaluation.models import Comparison, GatePolicy
from models_registry.models import Release, Repository, Visibility
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory
from tests.factories.versions import GOOD, compared, settled, version

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(client: Client) -> tuple[Client, str, Comparison]:
    """Three releases, seen by their owner: the second better than the first, the third held."""
    user = UserFactory(username="ada-wyn")
    _, second = compared(user)
    client.force_login(user)
    return client, f"/{second.repository.full_name}", Comparison.objects.get(evaluation=second)


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content[:300]
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_model_page_says_how_its_newest_version_stands(three: tuple[Client, str, Comparison]):
    client, at, _ = three
    page = text(client, at)

    assert "verdict--worse" in page
    assert "−56.0 points" in page
    assert "64 items flipped" in page


def test_the_comparison_shows_difference_interval_and_flips(three: tuple[Client, str, Comparison]):
    client, at, row = three
    page = text(client, f"{at}/compare/v1.0.0..v1.1.0")

    assert "verdict--better" in page
    assert "+26.0" in page
    assert "30 to right, 4 to wrong" in page
    assert f"{at}/flips/v1.0.0..v1.1.0?benchmark=pairs" in page
    assert row.is_settled


def test_flipped_items_are_listed_with_both_answers(three: tuple[Client, str, Comparison]):
    client, at, _ = three
    page = text(client, f"{at}/flips/v1.0.0..v1.1.0?benchmark=pairs&way=worse")

    assert page.count('<td class="mono small">') == 4
    assert "+0.5 nats for the good one" in page
    assert "-0.5 nats for the good one" in page
    assert text(client, f"{at}/flips/v1.0.0..v1.1.0?benchmark=pairs").count('<td class="mono small">') == 34


@pytest.mark.parametrize("query", ["", "?benchmark=never", "?benchmark=pairs&from=-1"])
def test_a_strange_question_for_flips_is_no_error(three: tuple[Client, str, Comparison], query: str):
    client, at, _ = three
    assert client.get(f"{at}/flips/v1.0.0..v1.1.0{query}").status_code in {200, 302}


def test_answers_are_not_shown_to_who_may_not_have_the_data(three: tuple[Client, str, Comparison]):
    _, at, _ = three
    Repository.objects.filter(name="pairs").update(visibility=Visibility.PRIVATE)
    page = text(Client(), f"{at}/flips/v1.0.0..v1.1.0?benchmark=pairs")

    assert "nats" not in page
    assert page.count('<td class="mono small">') == 34


def test_the_line_of_versions_is_drawn_and_written(
    three: tuple[Client, str, Comparison], django_assert_max_num_queries
):
    client, at, _ = three
    client.get(f"{at}/versions")
    with django_assert_max_num_queries(30):
        page = text(client, f"{at}/versions")

    assert 'role="img"' in page
    assert "v1.0.0 60 %; v1.1.0 86 %; v1.2.0 30 %" in page
    assert page.count("verdict--better") == 1
    assert page.count("verdict--worse") == 1


def test_a_held_release_says_why_and_an_administrator_passes_it(three: tuple[Client, str, Comparison]):
    client, at, _ = three
    page = text(client, f"{at}/releases/v1.2.0")
    assert "Held at the gate" in page
    assert "got worse: 86.0 %, now 30.0 %" in page
    assert "Let it pass all the same" not in text(Client(), f"{at}/releases/v1.2.0")

    assert client.post(f"{at}/releases/v1.2.0", {"action": "override", "reason": ""}).status_code == 400
    client.post(f"{at}/releases/v1.2.0", {"action": "override", "reason": "The pairs are of another dialect."})

    assert Release.objects.get(name="v1.2.0").gate == "passed"
    page = text(Client(), f"{at}/releases/v1.2.0")
    assert "The pairs are of another dialect." in page
    assert f"<strong>Let through the gate by {at.split('/')[1]}</strong>" in page


def test_the_gate_is_settled_on_its_page(three: tuple[Client, str, Comparison]):
    client, at, _ = three
    form = {"mode": "warn", "blocks_merge": "on", "required-pairs": "on", "margin-pairs": "2.5"}

    assert client.post(f"{at}/settings/gate", form).status_code == 302

    policy = GatePolicy.objects.get()
    assert (policy.mode, policy.blocks_merge) == ("warn", True)
    assert (policy.required, policy.margins) == (["pairs"], {"pairs": 2.5})
    assert Release.objects.get(name="v1.2.0").gate == "passed"
    page = text(client, f"{at}/settings/gate")
    assert 'value="2.5"' in page
    assert "badge.svg" in page


@pytest.mark.parametrize("form", [{}, {"mode": "perhaps"}, {"mode": "warn", "margin-pairs": "-1"}])
def test_a_faulty_gate_is_sent_back(three: tuple[Client, str, Comparison], form: dict[str, str]):
    client, at, _ = three
    assert client.post(f"{at}/settings/gate", form).status_code == 400
    assert GatePolicy.objects.get().mode == "block"


def test_two_versions_that_nothing_compared_are_compared_when_somebody_asks(three: tuple[Client, str, Comparison]):
    client, at, row = three
    Comparison.objects.filter(pk=row.pk).delete()
    path = f"{at}/compare/v1.0.0..v1.1.0"
    assert "Sign in to have these two compared" in text(Client(), path)

    assert client.post(path, {"do": "measured"}).status_code == 302
    assert "are being compared" in text(client, path)
    settled(row.evaluation)
    assert "30 to right" in text(client, path)


def test_the_badge_tells_score_and_verdict(three: tuple[Client, str, Comparison]):
    _, at, _ = three
    answer = Client().get(f"{at}/badge.json")

    assert answer["Cache-Control"] == "public, max-age=300"
    found = answer.json()
    assert found["message"] == "v1.1.0 · Test pairs 86.0% ▲"
    assert (found["schemaVersion"], found["label"], found["verdict"]) == (1, "smallhub", "better")
    assert found["score"]["benchmark"] == "pairs"
    picture = Client().get(f"{at}/badge.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert "v1.1.0 · Test pairs 86.0% ▲" in picture.content.decode()


def test_the_badge_of_something_unmeasured_or_strange():
    repository = RepositoryFactory()
    at = f"/{repository.full_name}"
    assert Client().get(f"{at}/badge.json").json()["message"] == "not measured"
    measured = version()
    other = f"/{measured.repository.full_name}/badge.json?benchmark=%3Cscript%3E"
    assert Client().get(other).json()["message"] == "no score"


def test_the_badge_of_a_model_whose_releases_are_held(three: tuple[Client, str, Comparison]):
    _, at, comparison = three
    comparison.evaluation.repository.releases.update(gate="failed", gate_reason="worse")
    answer = Client().get(f"{at}/badge.json").json()
    assert (answer["message"], answer["verdict"], answer["score"]) == (f"{answer['release']} · held", "held", None)
    assert answer["message"] in Client().get(f"{at}/badge.svg").text


def test_a_private_badge_is_not_there():
    found = version(RepositoryFactory(private=True), marks=GOOD)
    at = f"/{found.repository.full_name}"
    for name in ("badge.svg", "badge.json", "versions"):
        assert Client().get(f"{at}/{name}").status_code in {302, 404}
    client = Client()
    client.force_login(found.repository.creator)
    assert client.get(f"{at}/badge.json")["Cache-Control"] == "private, no-store"


def test_the_interface_gives_the_same(three: tuple[Client, str, Comparison]):
    client, at, _ = three
    found = client.get(f"/api/v1/models{at}/comparisons/v1.0.0..v1.1.0").json()
    assert (found["state"], found["verdict"]) == ("settled", "better")
    (row,) = found["benchmarks"]
    assert (row["better"], row["worse"], row["difference"]) == (30, 4, pytest.approx(0.26))
    assert len(row["flips"]) == 34

    statuses = client.get(f"/api/v1/models{at}/statuses/v1.2.0").json()
    states = {each["check"]: each["state"] for each in statuses["statuses"]}
    assert statuses["state"] == "failed"
    assert states["smallhub/smoke"] == "passed"
    assert states["smallhub/verdict"] == "failed"
    assert states["smallhub/gate/v1.2.0"] == "failed"

    held = client.get(f"/api/v1/repositories/models{at}/releases/v1.2.0").json()
    assert (held["gate"], held["latest"]) == ("failed", False)
    answer = client.post(
        f"/api/v1/models{at}/releases/v1.2.0/gate", json.dumps({"reason": "Agreed."}), content_type="application/json"
    )
    assert answer.json() == {"name": "v1.2.0", "gate": "passed", "reason": "Agreed."}
    gate = {"mode": "off", "must_be_told": ["pairs"], "margins": {"pairs": 2}}
    answer = client.put(f"/api/v1/models{at}/gate", json.dumps(gate), content_type="application/json")
    assert answer.json() == {"mode": "off", "blocks_merge": False, "must_be_told": ["pairs"], "margins": {"pairs": 2.0}}
    for wrong in ({"mode": "x"}, {"mode": "off", "margins": {"pairs": -1}}, {"mode": "off", "must_be_told": ["never"]}):
        answer = client.put(f"/api/v1/models{at}/gate", json.dumps(wrong), content_type="application/json")
        assert answer.status_code == 400
    assert client.get(f"/api/v1/models{at}/comparisons/v1.0.0..v1.0.0").status_code == 409
