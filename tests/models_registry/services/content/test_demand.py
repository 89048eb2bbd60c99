import pytest
from django.core.cache import cache
from kombu import Producer

from hub.celery import app
from models_registry import tasks
from models_registry.services import content
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

DATA = noise(5_000_000, seed=51)


@pytest.fixture(autouse=True)
def run_at_once():
    cache.clear()
    before = app.conf.task_always_eager
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = before


def test_the_second_fetch_makes_a_whole_copy():
    found = put_plain(RepositoryFactory(), DATA)

    assert not content.note_demand(found)
    assert content.cached_path(found) is None
    assert content.note_demand(found)
    assert content.cached_path(found).read_bytes() == DATA
    assert not content.note_demand(found)


def test_small_files_and_files_over_the_limit_are_left_alone(settings):
    small = put_plain(RepositoryFactory(), noise(100_000))
    large = put_plain(RepositoryFactory(), DATA)
    settings.SMALLHUB_CACHE_BYTES = 4_999_999

    assert not any(content.note_demand(each) for each in (small, small, large, large))


def test_a_queue_that_does_not_answer_stops_nobody(monkeypatch):
    found = put_plain(RepositoryFactory(), DATA)
    app.conf.task_always_eager = False

    def refuse(*args, **kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr(Producer, "publish", refuse)

    assert not any(content.note_demand(found) for _ in range(4))
    assert content.cached_path(found) is None


def test_a_job_for_content_that_is_gone_does_nothing():
    tasks.materialise_content(10**9)
