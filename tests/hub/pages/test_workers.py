"""The page of workers and queue: facts for everybody, names of what is private for nobody else."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.models import Run, Step
from evaluation.services.workers import short_name
from hub.core.models import WorkerHeartbeat
from tests.factories.evaluation import benchmark, claimed, evaluation_of, passed, passed_up_to, run_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def at_work(repository) -> Run:
    evaluation = evaluation_of(repository)
    run = run_of(evaluation, Step.SCAN)
    claimed(run)
    run.refresh_from_db()
    return run


def page(client) -> str:
    return client.get("/status/workers").content.decode()


def test_it_tells_who_works_on_what_and_what_waits(client):
    run = at_work(RepositoryFactory())
    evaluation_of(RepositoryFactory())
    machine = run.worker.partition("/")[0]
    WorkerHeartbeat.objects.create(worker=f"{machine}:1", seen_at=timezone.now())
    WorkerHeartbeat.objects.create(worker="elsewhere:2", seen_at=timezone.now() - timedelta(hours=1))

    html = page(client)

    assert f"{machine}:1" in html
    assert run.evaluation.repository.full_name in html
    assert "silent" in html
    assert f"evaluations/{run.evaluation.commit.oid}" in html
    assert re.search(r"<b>1</b><span[^>]*>step running", html)


def test_a_worker_is_named_by_its_machine_and_process():
    assert short_name("vm/1616f6ce-4026531836/4617/3872301") == "vm:4617"
    assert (short_name("vm"), short_name("")) == ("vm", "")


def test_private_models_are_counted_and_not_named(client):
    hidden = RepositoryFactory(private=True)
    at_work(hidden)

    assert hidden.full_name not in page(client)
    assert "a private model" in page(client)
    client.force_login(hidden.creator)
    assert hidden.full_name in page(client)


def test_a_private_benchmark_is_not_named(client):
    benchmark("secret-set", repository=RepositoryFactory(dataset=True, private=True))
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    claimed(run_of(evaluation, Step.BENCHMARK))

    assert "secret-set" not in page(client)


def test_what_ended_is_counted(client):
    passed(run_of(evaluation_of(), Step.SCAN))

    html = page(client)

    assert "step ended in the last hour" in html
    assert "No worker has reported" in html


def test_it_costs_the_same_queries_however_much_there_is(client, django_assert_max_num_queries):
    for _ in range(5):
        at_work(RepositoryFactory())

    with django_assert_max_num_queries(9):
        page(client)
