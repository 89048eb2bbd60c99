"""Two hubs with data folders of their own, and a worker of a third, share nothing but database, broker and store."""

import hashlib
import os
import subprocess
import sys
import urllib.request

import httpx
import pytest
from django.conf import settings

from evaluation.models import Run, State, Step
from models_registry.models import Repository
from models_registry.services.fsck import check_all
from tests import object_server
from tests.contracts.conftest import ROOT, Hub, database_url
from tests.factories.accounts import UserFactory, token

pytestmark = pytest.mark.django_db(transaction=True)
BODY = hashlib.shake_256(b"weights").digest(9_000_000)


@pytest.fixture
def environment(object_store):
    """What all machines have in common."""
    url = settings.SMALLHUB_BLOBS = object_server.own_prefix(object_store)
    yield os.environ | {
        "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
        "SMALLHUB_BLOBS": url,
        "SMALLHUB_SECRET_KEY": settings.SECRET_KEY,
        "SMALLHUB_SEED": "0",
        "DATABASE_URL": database_url(),
    }
    object_server.empty(url)


@pytest.fixture
def hubs(environment, tmp_path):
    """Two web servers."""
    made = []
    for name in ("one", "two"):
        data = tmp_path / name
        data.mkdir()
        made.append(Hub(data=data, environment=environment | {"SMALLHUB_DATA": str(data)}))
    for each in made:
        each.start()
    yield made
    for each in made:
        each.stop()


def test_what_one_takes_in_the_other_gives_and_a_third_measures(hubs, environment, tmp_path):
    one, two = hubs
    ada = UserFactory(username="ada")
    headers = {"Authorization": f"Bearer {token(ada)}"}
    oid = hashlib.sha256(BODY).hexdigest()
    with httpx.Client(base_url=one.url, headers=headers, timeout=60) as http:
        http.post("/api/repos/create", json={"name": "tiny"}).raise_for_status()
        ask = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(BODY)}]}
        (offered,) = http.post("/ada/tiny.git/info/lfs/objects/batch", json=ask).json()["objects"]
        # The address was signed by one; its twin takes the bytes.
        href = offered["actions"]["upload"]["href"].replace(one.url, two.url)
        httpx.put(href, content=BODY, timeout=60).raise_for_status()
        lines = (
            '{"key": "header", "value": {"summary": "Put"}}\n'
            f'{{"key": "lfsFile", "value": {{"path": "m.bin", "algo": "sha256", "oid": "{oid}", "size": {len(BODY)}}}}}'
        )
        http.post("/api/models/ada/tiny/commit/main", content=lines).raise_for_status()

    for each in (two, one):
        with urllib.request.urlopen(f"{each.url}/ada/tiny/resolve/main/m.bin", timeout=60) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == oid
    assert not (one.data / "blobs").exists()
    _measure(environment, tmp_path / "three")
    assert list(check_all(deep=True)) == []


def _measure(environment, data):
    """A worker on a third machine works off what waits."""
    data.mkdir()
    waiting = Run.objects.filter(evaluation__repository=Repository.objects.get(name="tiny"), step=Step.SCAN)
    runs = list(waiting.order_by("pk").values_list("pk", flat=True))
    assert runs
    steps = f"for pk in {runs}: work.perform(run_id=pk)"
    code = f"import django; django.setup()\nfrom evaluation.services import work\n{steps}"
    machine = environment | {"SMALLHUB_DATA": str(data)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=machine, timeout=240, check=False)
    assert done.returncode == 0
    for run in Run.objects.filter(pk__in=runs).order_by("-pk")[:1]:
        assert run.state in {State.PASSED, State.FAILED, State.QUARANTINED}
        assert "damaged" not in run.reason
