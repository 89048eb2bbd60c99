"""Whatever a ref names is scanned: last in the queue, each file once, and no page says more than is known."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from evaluation.models import Comparison, Evaluation, Run, State, Step
from evaluation.services import turns, work
from evaluation.services.scanning import rules
from models_registry.models import Commit, HeldObject, Repository
from models_registry.services.commits import commit
from models_registry.services.pull_requests import open_pull_request
from models_registry.services.refs import create_branch, create_tag
from models_registry.services.releases import create_release
from models_registry.services.revisions import find_commit
from models_registry.services.settings import Changes, update_settings
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory
from tests.factories.evaluation import evaluation_of, passed, passed_up_to, run_of
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
PICKLE = b"cos\nsystem\n(S'echo'\ntR."


def side(repository: Repository, name: str = "side", **files: bytes) -> Commit:
    """A commit on a branch that is not the default one."""
    user = repository.creator
    assert user is not None
    if not repository.refs.filter(name=f"refs/heads/{name}").exists():
        create_branch(repository=repository, user=user, name=name)
    operations = [AddFile(path.replace("_", "."), body) for path, body in files.items()]
    return commit(repository=repository, user=user, branch=name, title="Side", operations=operations)


def scan_of(of: Commit) -> Run:
    return Run.objects.get(step=Step.SCAN, evaluation__commit=of)


@pytest.fixture
def repository() -> Repository:
    return evaluation_of(config_json="{}").repository


def test_a_side_branch_is_scanned_and_not_measured(client, repository):
    made = side(repository, evil_pkl=PICKLE)

    row = Evaluation.everything.get(commit=made)
    assert [run.step for run in row.runs.all()] == [Step.SCAN]
    assert not Evaluation.objects.filter(commit=made).exists()
    page = f"/{repository.full_name}"
    for address in (f"{page}/tree/side", f"{page}/commit/{made.oid}", f"{page}/blob/side/evil.pkl"):
        assert "The scan has not looked at this commit yet" in client.get(address).content.decode()
    assert client.get(f"{page}/resolve/side/evil.pkl").status_code == 403
    assert client.get(f"/api/v1/models/{repository.full_name}/evaluations/side").json()["only_scan"] is True

    passed(run_of(row, Step.SCAN))

    assert "has not looked" not in client.get(f"{page}/tree/side").content.decode()
    assert client.get(f"{page}/resolve/side/evil.pkl").status_code == 200
    text = client.get(f"{page}/evaluations/{made.oid}").content.decode()
    assert "This commit is only scanned" in text
    assert "No benchmark" not in text
    assert not Comparison.objects.exists()


def test_a_scan_that_was_given_up_is_not_waited_for(client, repository):
    made = side(repository, evil_pkl=PICKLE)
    Run.objects.filter(evaluation__commit=made).update(state=State.CANCELLED)

    text = client.get(f"/{repository.full_name}/tree/side").content.decode()
    assert "This commit was not scanned" in text
    assert "evil.pkl is held back" in text


@pytest.mark.parametrize("named", [create_branch, create_tag])
def test_a_name_for_a_commit_that_nobody_has_looked_at_asks_for_its_scan(repository, named):
    old = find_commit(repository, "main")
    put(repository, {"config.json": '{"a": 1}'})
    Evaluation.everything.filter(commit=old).delete()
    more = {"start": old.oid} if named is create_branch else {"revision": old.oid}

    named(repository=repository, user=repository.creator, name="other", **more)

    assert Evaluation.everything.get(commit=old).only_scan


def test_what_a_stranger_may_not_have_measured_is_scanned_all_the_same(repository, settings):
    settings.SMALLHUB_PROPOSALS_MEASURED_PER_DAY = 1
    stranger = UserFactory()
    heads = []
    for name in ("a.json", "b.json"):
        operations = [AddFile(name, b"{}")]
        opened = open_pull_request(repository=repository, user=stranger, title="Try", operations=operations)
        heads.append(Evaluation.everything.get(commit=opened.commit).only_scan)

    assert heads == [False, True]


def test_of_data_sets_what_can_run_code_is_scanned():
    data = RepositoryFactory(dataset=True)
    plain = put(data, {"a.csv": "a"})
    risky = put(data, {"b.pkl": PICKLE})

    assert list(Evaluation.everything.values_list("commit", "only_scan")) == [(risky.pk, True)]
    assert plain.pk != risky.pk


def test_what_was_scanned_is_measured_once_somebody_wants_it(repository):
    made = side(repository, config_json=b'{"b": 2}')
    passed(scan_of(made))

    update_settings(repository=repository, user=repository.creator, changes=Changes(default_branch="side"))

    row = Evaluation.objects.get(commit=made)
    states = dict(row.runs.values_list("step", "state"))
    assert (states[Step.SCAN], states[Step.INSPECT], states[Step.SMOKE]) == ("passed", "queued", "waiting")
    assert row.status == Evaluation.Status.QUEUED
    for step in (Step.INSPECT, Step.SMOKE, Step.COST):
        passed(run_of(row, step))
    row.refresh_from_db()
    assert row.status == Evaluation.Status.DONE


def test_a_release_on_a_side_branch_waits_for_its_measuring(repository):
    made = side(repository, config_json=b'{"b": 2}')

    create_release(repository=repository, user=repository.creator, name="v1.0.0", revision=made.oid)

    row = Evaluation.objects.get(commit=made)
    assert dict(row.runs.values_list("step", "state"))[Step.SCAN] == State.QUEUED
    assert row.runs.count() == 4


def next_run(at=None) -> Run:
    return Run.objects.select_related("evaluation__repository__namespace").get(
        pk=next(turns.candidates(at=at or timezone.now()))
    )


def test_commits_beside_come_last_but_for_every_other_turn_once_they_waited():
    first, second = evaluation_of().repository, evaluation_of().repository
    for number in range(3):
        side(first, f"side-{number}", x_json=str(number).encode())
    passed_up_to(Evaluation.objects.get(repository=first), Step.INSPECT)

    assert [next_run().evaluation.only_scan] == [False]
    late = timezone.now() + turns.PATIENCE + timedelta(seconds=1)
    beside = [next_run(late)]
    passed(beside[0])
    beside.append(next_run(late))
    assert [run.evaluation.only_scan for run in beside] == [True, False]
    assert second.pk in {run.evaluation.repository_id for run in beside}


def test_a_flood_of_branches_delays_the_one_of_another_owner_by_one_scan():
    flood, small = evaluation_of().repository, evaluation_of().repository
    for number in range(12):
        side(flood, f"side-{number}", x_json=str(number).encode())
    side(small, x_json=b"1")
    Run.objects.filter(evaluation__only_scan=False).update(state=State.PASSED)

    order = []
    while small.pk not in order:
        run = next_run()
        order.append(run.evaluation.repository_id)
        passed(run)
    assert len(order) <= 2


def test_what_no_ref_names_any_more_comes_last_of_its_owner(repository):
    old, new = side(repository, x_json=b"1"), side(repository, x_json=b"2")
    Run.objects.filter(evaluation__only_scan=False).update(state=State.PASSED)

    assert next_run().evaluation.commit_id == new.pk
    passed(next_run())
    assert next_run().evaluation.commit_id == old.pk


def test_a_hub_from_before_asks_for_what_is_missing(repository):
    made, data = side(repository, evil_pkl=PICKLE), RepositoryFactory(dataset=True)
    risky = put(data, {"b.pkl": PICKLE})
    Evaluation.everything.filter(only_scan=True).delete()
    Commit.objects.update(held={})
    HeldObject.objects.all().delete()

    call_command("scan_named", verbosity=0)
    call_command("scan_named", verbosity=0)

    assert set(Evaluation.everything.filter(only_scan=True).values_list("commit", flat=True)) == {made.pk, risky.pk}
    assert set(HeldObject.objects.values_list("path", flat=True)) == {"evil.pkl", "b.pkl"}


@pytest.mark.django_db(transaction=True)
def test_only_new_files_are_read_and_the_verdict_is_of_all():
    row = evaluation_of(config_json="{}", old_pkl=PICKLE)
    work.perform(run_id=run_of(row, Step.SCAN).pk)
    made = side(row.repository, note_txt=b"hello", new_pkl=PICKLE)

    work.perform(run_id=scan_of(made).pk)

    run = scan_of(made)
    assert run.state == State.QUARANTINED
    assert run.result["known_before"] == len(run.result["kinds"]) - 2
    assert {"config.json", "note.txt", "new.pkl", "old.pkl"} <= set(run.result["kinds"])
    made.refresh_from_db()
    assert set(made.held) == {"new.pkl", "old.pkl"}


@pytest.mark.django_db(transaction=True)
def test_other_rules_read_everything_again():
    row = evaluation_of(config_json="{}")
    work.perform(run_id=run_of(row, Step.SCAN).pk)
    first = run_of(row, Step.SCAN)
    assert first.result["rules"] == rules()
    Run.objects.filter(pk=first.pk).update(result=first.result | {"rules": "older"})
    made = side(row.repository, note_txt=b"hello")

    work.perform(run_id=scan_of(made).pk)

    assert scan_of(made).result["known_before"] == 0
