"""The page of a model."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evaluation.models import Benchmark, Evaluation
from models_registry.models import Commit, Kind
from models_registry.services.releases import create_release
from tests.factories.accounts import UserFactory
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def page(client: Client, repository, rest: str = "") -> str:
    answer = client.get(f"/{repository.full_name}{rest}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_card_is_rendered_without_its_front_matter_and_without_repeating_the_name(client):
    repository = model(name="pico-lm")

    html = page(client, repository)

    assert "<p>A small model of harbours.</p>" in html
    assert "<h3>Where it fails</h3>" in html
    assert "pipeline_tag" not in html
    assert "<h2>pico-lm</h2>" not in html


def test_a_hostile_card_is_shown_harmless(client):
    repository = model()
    put(repository, {"README.md": "<script>alert(1)</script><img src=//evil.example/x> words"})

    html = page(client, repository)

    assert "alert(1)" not in html
    assert 'src="//evil' not in html
    assert "words" in html


def test_a_card_with_broken_front_matter_still_shows_its_words(client):
    repository = model()
    put(repository, {"README.md": "---\na: [\n---\nWords stay."})

    assert "Words stay." in page(client, repository)


def test_a_card_too_complex_to_show_says_so(client):
    repository = model()
    put(repository, {"README.md": "[" * 900_000})

    assert "too complex to show" in page(client, repository)


def test_files_that_are_held_back_are_named_first(client):
    repository = model()
    Commit.objects.filter(repository=repository, oid=repository.head).update(
        held={"optimizer.pt": "It runs os.system."}
    )

    html = page(client, repository)

    assert "optimizer.pt" in html
    assert "It runs os.system." in html


def test_where_a_name_gives_another_version_than_the_newest_it_says_so(client):
    repository = model()
    measured(repository, {benchmark(): 0.75})
    create_release(repository=repository, user=repository.creator, name="v1.0.0")
    assert "By name you get" not in page(client, repository)

    put(repository, {"notes.md": "More."})
    repository.refresh_from_db()
    measured(repository, {Benchmark.objects.get(): 0.5})

    html = page(client, repository)
    assert f'By name you get <a href="/{repository.full_name}/releases/v1.0.0">v1.0.0</a>' in html


def test_scores_costs_and_licence_stand_in_the_side_column(client):
    repository = model()
    measured(repository, {benchmark(): 0.749})

    html = page(client, repository)

    assert "Grammar pairs, English accuracy: 74.9 %; 95 % interval 72.9 to 76.9" in html
    assert "1 receipt" in html
    assert "Peak memory" in html
    assert "Use it commercially" in html
    assert "scan clean" in html
    assert "smoke passed" in html


def test_what_the_card_claims_wrongly_and_where_the_model_runs_are_told(client):
    repository = model()
    fit = [
        {"device": "phone", "answer": "tight", "memory_share": 0.9, "disk_share": 0.1, "speed": 12.5, "unit": "token"},
        {"device": "server", "answer": "fits", "memory_share": 0.06, "disk_share": 0.0, "speed": 25.0, "unit": "token"},
    ]
    evaluation = measured(repository, {benchmark(): 0.749}, fit=fit)
    evaluation.runs.filter(step="inspect").update(
        result={
            "parameters": 1000,
            "tensors": 12,
            "memory_by_precision": {"32-bit": 60_000_000},
            "tokenizer": {"kind": "BPE", "vocabulary_size": 99, "is_byte_level": True, "languages": ["de"]},
            "mismatches": [
                {"field": "task", "claimed": "fill-mask", "found": "text-generation"},
                {"field": "licence_file", "claimed": "mit", "found": ""},
            ],
        }
    )

    html = page(client, repository)

    assert "Card and files disagree" in html
    assert "card: fill-mask" in html
    assert "files: no such file" in html
    assert "Phone" in html
    assert "tight" in html
    assert "12.5 tokens/s" in html
    assert "about 60 MB" in html
    assert f"/{repository.full_name}/tensors/main" in html
    assert "Languages, detected" in html


def test_a_score_that_touches_chance_is_not_praised(client):
    repository = model()
    measured(repository, {benchmark(): 0.51})

    html = page(client, repository)

    assert "ruler--chance" in html
    assert "not told apart from chance" in html


def test_a_model_that_was_not_measured_says_so(client):
    repository = model()
    Evaluation.objects.all().delete()

    assert "Not measured yet" in page(client, repository)


def test_a_running_evaluation_is_offered_to_watch(client):
    repository = model()
    measured(repository, {}, status="running", states={"cost": "running"})

    html = page(client, repository)

    assert "1 step to go" in html
    assert f"/{repository.full_name}/evaluations/{repository.head}" in html


def test_held_files_are_named_with_what_they_would_do(client):
    repository = model()
    Commit.objects.filter(oid=repository.head).update(held={"optimizer.pt": "Opening it would run os.system."})

    html = page(client, repository)

    assert "optimizer.pt is held back." in html
    assert "os.system" in html


def test_snippets_name_this_hub_and_this_model(client):
    repository = model()

    html = page(client, repository)

    assert f"smallhub.load(&quot;{repository.full_name}&quot;)" in html
    assert "export HF_ENDPOINT=http://testserver" in html
    assert "AutoModelForCausalLM" in html
    assert f"git clone http://testserver/{repository.full_name}" in html
    assert "/resolve/main/README.md" in html


@pytest.mark.parametrize(("kind", "prefix"), [(Kind.DATASET, "datasets/"), (Kind.APP, "spaces/")])
def test_every_kind_says_how_it_is_cloned(client, kind, prefix):
    repository = RepositoryFactory(kind=kind)
    html = client.get(f"/{prefix}{repository.full_name}").content.decode()
    assert f"git clone http://testserver/{prefix}{repository.full_name}" in html


def test_strangers_cannot_tell_a_private_model_from_a_missing_one(client):
    repository = model(private=True)

    private = client.get(f"/{repository.full_name}")
    missing = client.get(f"/{repository.namespace.name}/nothing-here")

    assert private.status_code == missing.status_code == 404
    assert private.templates[0].name == missing.templates[0].name == "404.html"
    client.force_login(repository.creator)
    assert client.get(f"/{repository.full_name}").status_code == 200


def test_another_spelling_leads_to_the_name_as_it_is_written(client):
    repository = model(name="Pico-LM")

    answer = client.get(f"/{repository.full_name.lower()}")

    assert answer.status_code == 301
    assert answer.url == f"/{repository.full_name}"


def test_data_sets_have_a_page_with_card_and_files(client):
    data = RepositoryFactory(dataset=True)
    put(data, {"README.md": "---\nlicense: cc0-1.0\n---\nTide tables.", "a.csv": "x\n1\n"})

    html = client.get(f"/datasets/{data.full_name}").content.decode()

    assert "Tide tables." in html
    assert "load_dataset" in html
    assert "Evaluations" not in html


def test_the_number_of_queries_is_the_same_for_few_and_many_scores(client):
    repository = model()
    measured(repository, {benchmark("one"): 0.7})
    page(client, repository)
    with CaptureQueriesContext(connection) as few:
        page(client, repository)
    measured(repository, {benchmark(f"b{number}"): 0.7 for number in range(8)})
    with CaptureQueriesContext(connection) as many:
        page(client, repository)

    assert len(many) == len(few) <= 21  # One each for what files say of licences, lineage, judgement, late terms.


@pytest.mark.parametrize("rest", ["", "/tree/main", "/commits/main", "/evaluations", "/blob/main/README.md"])
def test_every_tab_has_one_first_heading_and_a_title(client, rest):
    repository = model()

    html = page(client, repository, rest)

    assert html.count("<h1") == 1
    assert f"{repository.full_name}" in html.split("<title>")[1].split("</title>")[0]


def test_writers_add_files_and_others_may_propose_them(client):
    repository = model()

    assert "Add files" not in page(client, repository, "/tree/main")
    client.force_login(repository.creator)
    assert "Add files" in page(client, repository, "/tree/main")
    assert 'name="way" value="commit"' in page(client, repository, "/upload/main")

    client.force_login(UserFactory())
    assert "Add files" in page(client, repository, "/tree/main")
    proposing = page(client, repository, "/upload/main")
    assert 'name="way" value="propose"' in proposing
    assert 'name="way" value="commit"' not in proposing
    repository.discussions_disabled = True
    repository.save()
    assert client.get(f"/{repository.full_name}/upload/main").status_code == 403
