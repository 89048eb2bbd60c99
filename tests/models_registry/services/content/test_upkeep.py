import os
import time

import pytest

from models_registry.models import Xorb as XorbRow
from models_registry.services import content
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import cut, flip

pytestmark = pytest.mark.django_db


def test_every_lost_or_damaged_blob_is_named_with_the_files_that_need_it(store):
    repository = RepositoryFactory()
    files = [put_plain(repository, noise(200_000, seed)) for seed in range(6)]
    blobs = {blob.digest: blob for blob in store.iterate()}
    rows = list(XorbRow.objects.order_by("pk"))
    store.delete(rows[0].blob)
    cut(store, rows[1].blob, 10)
    flip(store, rows[2].blob, 500)

    quick = {damage.xorb: damage for damage in content.find_damage()}
    deep = {damage.xorb: damage for damage in content.find_damage(deep=True)}

    assert set(quick) == {rows[0].hash, rows[1].hash}
    assert set(deep) == {rows[0].hash, rows[1].hash, rows[2].hash}
    assert deep[rows[2].hash].files == ((repository.full_name, files[2].sha256),)
    assert len(blobs) == 6


def test_leftovers_of_a_killed_upload_are_cleaned_when_they_are_old(store):
    left = store.scratch()
    os.utime(left.path, (time.time() - 2 * 86_400,) * 2)

    assert content.clean_leftovers() == 1
    assert not left.path.exists()
