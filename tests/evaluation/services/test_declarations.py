"""Anybody may make a benchmark of a data set, by `eval.yaml`; what is private stays so, and what is faulty says why."""

import hashlib
import json

import pytest
import yaml
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.models import Role
from evaluation.models import Benchmark, Declaration, Evaluation, State, Step
from evaluation.querysets import shown
from evaluation.services import measure_heads_with, work
from evaluation.services.declarations import key_of
from models_registry.models import Kind, Repository, Visibility
from tests.factories.accounts import OrganisationFactory, UserFactory, member, token
from tests.factories.evaluation import evaluation_of, passed, passed_up_to, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory, put
from tests.requirements import require

pytestmark = pytest.mark.django_db
ROWS = b'{"good": "a b", "bad": "b a"}\n{"good": "c d", "bad": "d c"}\n'
BLOCK = {
    "task": "text-generation",
    "language": ["en"],
    "scorer": "minimal_pairs",
    "files": ["data/test.jsonl"],
    "fields": {"good": "good", "bad": "bad"},
}


def declared(*tasks, **changes):
    whole = {"name": "Word order", "evaluation_framework": "smallhub", "tasks": list(tasks) or [task()]}
    return yaml.safe_dump(json.loads(json.dumps(whole | changes)))  # Copies, for YAML would write aliases.


def task(name="default", **changes):
    return {"id": name, "config": "default", "split": "test", "smallhub": BLOCK | changes}


def dataset(text=None, *, rows=ROWS, **kwargs):
    repository = RepositoryFactory(**({"dataset": True} | kwargs))
    put(repository, {"data/test.jsonl": rows, "eval.yaml": text or declared()})
    return Repository.objects.get(pk=repository.pk)


def active(repository):
    return list(Benchmark.objects.active().filter(repository=repository).order_by("key"))


def test_a_data_set_with_a_declaration_is_a_benchmark_from_its_push_on():
    repository = dataset()

    (row,) = active(repository)

    assert row.key == repository.full_name.replace("/", "--")
    assert (row.version, row.title, row.commit) == (1, "Word order", repository.head)
    assert row.definition["main_metric"] == "accuracy"
    assert row.definition["requires"] == ["log_likelihood"]
    assert row.definition["files"][0]["bytes"] == len(ROWS)
    assert Declaration.objects.get(repository=repository).refusal == ""


def test_a_change_is_a_new_version_and_anything_else_is_not():
    repository = dataset(draft=True)
    put(repository, {"README.md": "# Words\n"})
    assert [row.version for row in active(repository)] == [1]

    put(repository, {"data/test.jsonl": ROWS * 2})

    (row,) = active(repository)
    assert row.version == 2
    assert Benchmark.objects.filter(repository=repository).count() == 2


def test_tasks_of_others_are_kept_and_left_alone():
    repository = dataset(declared({"id": "theirs", "split": "test"}, task("ours")))

    assert [row.key for row in active(repository)] == [f"{repository.full_name.replace('/', '--')}--ours"]
    assert active(repository)[0].title == "Word order, ours"


FAULTS = [
    (declared(tasks=[]), "tasks: needs a list"),
    (declared(task(), task()), "tasks: an id comes twice"),
    (declared({"id": "no spaces"}), "tasks: number 1 needs an id"),
    (declared(name=None), "name: needs a text"),
    (declared(task(files=["data/none.jsonl"])), "files: data/none.jsonl is not in this commit"),
    (declared(task(files=[{"path": "data/test.jsonl", "sha256": "0" * 64}])), "with the declared SHA-256"),
    (declared(task(scorer="magic")), "scorer: 'magic' is none of"),
    (declared(task(main_metric="bleu")), "main_metric: 'bleu' is none of accuracy"),
    (declared(task(fields={"good": "good"})), "fields: the scorer minimal_pairs needs the role 'bad'"),
    (declared(task(limits={"seconds": 99999, "mib": 1, "tokens": 1})), "limits: at most 7200 seconds"),
    (declared(task(language="en")), "language: needs a list of texts"),
    (declared(task(declaration="no.json")), "declaration: no.json is no JSON file"),
    ("tasks: [&a 1, *a]", "Anchors and aliases"),
    ("name: !!python/object:os.system x", "YAML tags"),
    ("[1, 2", "expected"),
    ("- a\n- b\n", "tasks: the file must be"),
]


@pytest.mark.parametrize(("text", "reason"), FAULTS)
def test_a_faulty_declaration_says_why_and_keeps_the_commit_and_the_old_version(text, reason):
    repository = dataset()
    (before,) = active(repository)

    made = put(repository, {"eval.yaml": text})

    noted = Declaration.objects.get(repository=repository)
    assert reason in noted.refusal
    assert noted.commit == made.oid
    assert active(repository) == [before]


def test_taking_the_declaration_out_retires_the_benchmark_and_keeps_its_past():
    repository = dataset(declared(task("one"), task("two")))
    assert len(active(repository)) == 2

    put(repository, {"eval.yaml": declared(task("two"))})
    assert [row.key.rsplit("--")[-1] for row in active(repository)] == ["two"]


def test_a_name_comes_from_the_data_set_so_nobody_can_take_anothers():
    plain = RepositoryFactory(dataset=True, name="words")
    odd = [
        RepositoryFactory(dataset=True, user=plain.creator, name=name) for name in ("my.words", "my-words", "my_words")
    ]
    text = declared(task(id="smallhub-core"))
    repository = dataset(text)

    assert active(repository)[0].key == repository.full_name.replace("/", "--")
    assert len({key_of(row, "default") for row in [plain, *odd]}) == 4
    assert len(key_of(RepositoryFactory(dataset=True, name="n" * 90), "t" * 64)) <= 80
    assert key_of(plain, "a--b") != key_of(plain, "a-b")


def test_an_owner_has_so_many_benchmarks_and_no_more(settings):
    settings.SMALLHUB_BENCHMARKS_PER_OWNER = 1
    first = dataset()
    second = RepositoryFactory(dataset=True, user=first.creator)

    put(second, {"data/test.jsonl": ROWS, "eval.yaml": declared()})

    assert active(second) == []
    assert "may have 1 benchmarks" in Declaration.objects.get(repository=second).refusal


def test_only_the_default_branch_of_a_data_set_declares():
    model = RepositoryFactory()
    put(model, {"data/test.jsonl": ROWS, "eval.yaml": declared()})

    assert not Benchmark.objects.exists()


@pytest.fixture
def private():
    """An organisation with a private benchmark, and its people."""
    organisation = OrganisationFactory()
    insider = member(organisation, Role.WRITE)
    data = dataset(user=insider, namespace=organisation.name, visibility=Visibility.PRIVATE)
    return organisation, insider, active(data)[0]


def keys_of(evaluation):
    return {run.benchmark.key for run in evaluation.runs.filter(step=Step.BENCHMARK).select_related("benchmark")}


def test_a_private_benchmark_measures_only_models_whose_owner_may_read_its_data(private):
    organisation, insider, row = private
    theirs = evaluation_of(RepositoryFactory(user=insider, namespace=organisation.name))
    hers = evaluation_of(RepositoryFactory(user=insider))

    assert keys_of(theirs) == keys_of(hers) == {row.key}
    assert keys_of(evaluation_of()) == set()


def test_models_that_were_here_before_get_it_by_the_same_rule(private):
    organisation, insider, _ = private
    inside = evaluation_of(RepositoryFactory(user=insider))
    outside = evaluation_of()
    data = dataset(user=insider, namespace=organisation.name, visibility=Visibility.PRIVATE)

    measure_heads_with(active(data)[0])

    assert active(data)[0].key in keys_of(inside)
    assert keys_of(outside) == set()


def test_scores_on_a_private_benchmark_are_shown_to_nobody_else(private):
    _, insider, row = private
    model = RepositoryFactory(user=insider)
    evaluation = evaluation_of(model)
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK, row.key))
    address = f"/api/v1/models/{model.full_name}/evaluations/main"
    receipt = run_of(evaluation, Step.BENCHMARK, row.key).receipt.sha256

    def seen(user):
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token(user)}")
        found = {entry["benchmark"] for entry in client.get(address).json()["scores"]}
        return found, client.get(f"/api/v1/receipts/{receipt}").status_code

    assert seen(insider) == ({row.key}, 200)
    assert seen(UserFactory()) == (set(), 404)
    assert seen(None) == (set(), 404)
    assert not Benchmark.objects.filter(shown("", None)).exists()
    Repository.objects.filter(pk=row.repository_id).update(visibility=Visibility.PUBLIC)
    assert seen(None) == ({row.key}, 200)


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token(user)}")
    return client


def test_the_api_registers_and_refuses_by_field():
    repository = dataset()
    address = f"/api/v1/datasets/{repository.full_name}/benchmarks/main"
    client = client_of(repository.creator)

    made = client.post(address)
    assert made.status_code == 201
    assert [row["benchmark"] for row in made.json()["benchmarks"]] == [active(repository)[0].key]

    put(repository, {"eval.yaml": declared(task(scorer="magic"))})
    refused = client.post(address)
    assert refused.status_code == 400
    assert "benchmark_invalid" in refused.content.decode()
    assert "magic" in refused.content.decode()
    assert "magic" in APIClient().get(address).json()["refusal"]
    assert client_of(UserFactory()).post(address).status_code == 403


def test_the_command_registers_and_tells(capsys):
    repository = dataset()

    call_command("register_benchmark", repository.full_name)
    assert f"{active(repository)[0]} measures text-generation" in capsys.readouterr().out
    put(repository, {"eval.yaml": declared({"id": "theirs"})})
    call_command("register_benchmark", repository.full_name)
    assert "nothing is measured with it here" in capsys.readouterr().out
    put(repository, {"eval.yaml": "["})
    with pytest.raises(CommandError, match="cannot be registered"):
        call_command("register_benchmark", repository.full_name)
    with pytest.raises(CommandError, match="There is no data set"):
        call_command("register_benchmark", "nobody/nothing")


@pytest.mark.django_db(transaction=True)
def test_a_set_that_nobody_here_ever_saw_is_measured_by_its_declaration_alone(tmp_path):
    """Made-up data in a made-up form, from the push to the score, through the real sandbox."""
    require("bubblewrap")
    rows = "".join(json.dumps({"nr": n, "ask": f"{n} plus 0 is", "said": [str(n), "one"]}) + "\n" for n in range(6))
    block = {
        "task": "text-generation",
        "language": ["en"],
        "scorer": "generated_answers",
        "files": ["data/test.jsonl"],
        "fields": {"id": "nr", "ask": "ask", "answers": "said"},
        "scorer_args": {"max_new_tokens": 4},
        "prompt": {
            "template": "{ask} ",
            "sha256": hashlib.sha256(b"{ask} ").hexdigest(),
        },
    }
    data = dataset(declared({"id": "default", "split": "test", "smallhub": block}), rows=rows.encode())
    folder = train_ngram(["3 plus 0 is 3\n", "4 plus 0 is 4\n"], tmp_path / "model", unit="char", order=5)
    evaluation = push_folder(RepositoryFactory(), folder)

    while (run := evaluation.runs.filter(state=State.QUEUED).order_by("position").first()) is not None:
        work.perform(run_id=run.pk)

    run = run_of(Evaluation.objects.get(pk=evaluation.pk), Step.BENCHMARK, active(data)[0].key)
    assert run.state == State.PASSED, run.reason
    assert run.score.n == 6
    assert run.score.metrics["method"] == "generative"
    assert data.kind == Kind.DATASET
