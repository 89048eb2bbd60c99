"""Two workers do not share processors while there are enough, and none keeps what it cannot use."""

import os
import subprocess
import sys
import textwrap

import pytest

from evaluation import sandbox
from evaluation.services import cores
from tests.evaluation.sandbox.test_zygote import BELONGINGS

OTHER = textwrap.dedent(
    """
    import sys
    import django
    django.setup()
    from django.conf import settings
    from evaluation.services import cores
    settings.SMALLHUB_RUN_PINNED, settings.SMALLHUB_RUN_THREADS = True, 1
    print(*cores.own(1), flush=True)
    sys.stdin.read()
    """
)
ALL = sorted(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def _pinned(settings):
    settings.SMALLHUB_RUN_PINNED = True
    settings.SMALLHUB_RUN_THREADS = 1
    cores.let_go()
    yield
    cores.let_go()


def test_a_worker_has_the_same_processors_each_time():
    first = cores.own(1)

    assert len(first) == 1
    assert set(first) <= set(ALL)
    assert cores.own(1) == first


def test_more_threads_than_a_worker_has_processors_for_are_not_held_anywhere(settings):
    assert cores.own(2) == ()
    cores.let_go()
    settings.SMALLHUB_RUN_THREADS = len(ALL) + 1
    assert cores.own(1) == ()
    settings.SMALLHUB_RUN_THREADS = len(ALL)  # What it could not use, it did not keep.
    assert cores.own(len(ALL)) == tuple(ALL)


def test_none_is_taken_where_pinning_is_off(settings):
    settings.SMALLHUB_RUN_PINNED = False

    assert cores.own(1) == ()
    assert not (settings.SMALLHUB_DATA / "cores").exists()


@pytest.mark.skipif(len(ALL) < 2, reason="one processor cannot be shared out")
def test_another_worker_has_others_until_it_ends(settings):
    """The other is a process of its own, as workers are; when it is killed, its processors are free."""
    here = os.environ | {"DJANGO_SETTINGS_MODULE": "hub.settings.test", "SMALLHUB_DATA": str(settings.SMALLHUB_DATA)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", OTHER], env=here, text=True, **pipes) as other:
        theirs = {int(word) for word in other.stdout.readline().split()}
        try:
            assert len(theirs) == 1
            assert not theirs & set(cores.own(1))
            cores.let_go()
            settings.SMALLHUB_RUN_THREADS = len(ALL)
            assert cores.own(1) == ()
        finally:
            other.kill()
            other.wait()
    assert cores.own(len(ALL)) == tuple(ALL)


def test_a_models_process_keeps_to_them_and_says_so(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    limits = sandbox.Limits(compute_threads=1, cores=(ALL[-1],))

    with sandbox.open(tmp_path, limits=limits, loader=BELONGINGS) as session:
        assert session.walls["cores"] == [ALL[-1]]
        assert session.load()["description"]["cores"] == [ALL[-1]]
    with sandbox.open(tmp_path, loader=BELONGINGS) as session:
        assert session.walls["cores"] == ALL
