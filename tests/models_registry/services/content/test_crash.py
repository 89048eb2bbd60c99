"""kill -9 at every step of an upload: each sync, each naming of a blob, each SQL statement. Nothing half is seen."""

import io
import os
from collections.abc import Callable

import pytest
from django.db import connection, connections

from models_registry.models import Content, RepositoryContent, RepositoryXorb
from models_registry.models import Xorb as XorbRow
from models_registry.services import content
from tests.factories.content import Xorb, chunks_of, noise, send_xorb, sha256, shard_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db(transaction=True)

DATA = noise(400_000, seed=41)
KILLED = 9


def die_at(step: int) -> Callable[[], None]:
    """Count the steps of this process, and end it at one of them as a power cut would."""
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os._exit(KILLED)

    real_sync, real_link, real_unlink = os.fsync, os.link, os.unlink

    def sync(descriptor):
        count()
        real_sync(descriptor)
        count()

    def link(source, target):
        count()
        real_link(source, target)
        count()

    def unlink(path, **kwargs):
        count()
        real_unlink(path, **kwargs)

    os.fsync, os.link, os.unlink = sync, link, unlink
    return count


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Run `work` in a child that dies at its n-th step. False if it came to its end before."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
    try:
        connections["default"].connection = None  # The parent's; closing it here would end it there.
        count = die_at(step)

        def around(execute, sql, params, many, context):
            count()
            result = execute(sql, params, many, context)
            count()
            return result

        with connection.execute_wrapper(around):
            work()
        os._exit(0)
    finally:
        os._exit(1)


def assert_whole_or_absent(repository) -> bool:
    """Every row has its bytes. Says whether the file is there."""
    assert list(content.find_damage(deep=True)) == []
    found = content.find_readable(repository=repository, user=repository.creator, sha256=sha256(DATA))
    assert (found is None) == (not RepositoryContent.objects.exists()) == (not Content.objects.exists())
    if found is not None:
        assert b"".join(content.read(found)) == DATA
    return found is not None


def test_a_plain_upload_killed_at_any_step_leaves_all_or_nothing():
    step, outcomes = 0, []
    while True:
        step += 1
        repository = RepositoryFactory()

        def work(repository=repository):
            content.ingest(
                repository=repository, user=repository.creator, stream=io.BytesIO(DATA), size_bytes=len(DATA)
            )

        was_killed = killed_at(step, work)
        outcomes.append(assert_whole_or_absent(repository))
        repository.delete()
        Content.objects.all().delete()
        XorbRow.objects.all().delete()
        if not was_killed:
            break

    assert len(outcomes) > 20
    assert outcomes[-1]
    assert outcomes == sorted(outcomes)  # Absent up to the commit of the transaction, whole from there on.


def test_a_chunked_upload_killed_at_any_step_can_be_repeated():
    xorb = Xorb.of(chunks_of(DATA))
    for step in range(1, 40, 2):
        repository = RepositoryFactory()

        def work(repository=repository):
            send_xorb(repository, xorb)
            content.register_shard(repository=repository, user=repository.creator, body=shard_of(xorb, DATA))

        killed_at(step, work)
        assert_whole_or_absent(repository)
        work()

        assert assert_whole_or_absent(repository)
        assert RepositoryXorb.objects.filter(repository=repository).count() == 1
        repository.delete()
        Content.objects.all().delete()
        XorbRow.objects.all().delete()
