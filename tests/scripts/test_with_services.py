"""`scripts/with-services`: own servers, gone afterwards, however it ends."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.requirements import ROOT, require

SCRIPT = ROOT / "scripts" / "with-services"


@pytest.fixture(autouse=True)
def _servers() -> None:
    require("postgres", "redis")


def children(parent: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def lives(process: int) -> bool:
    """Running, that is: not gone and not merely waiting to be noticed by its parent."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def started(process: subprocess.Popen[str]) -> str:
    """The folder of the services, once the command runs."""
    assert process.stdout is not None
    found = re.search(r"host=(\S+)/postgres", process.stdout.readline())
    assert found
    return found[1]


def test_the_command_finds_both_servers_and_its_exit_code_is_ours():
    code = (
        "import os, sys, psycopg, redis;"
        "print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 6 * 7').fetchone()[0]);"
        "print(redis.Redis.from_url(os.environ['CELERY_BROKER_URL']).ping()); sys.exit(7)"
    )
    done = subprocess.run(
        [SCRIPT, ROOT / ".venv/bin/python", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stdout.split() == ["42", "True"], done.stderr
    assert done.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_it(number: signal.Signals):
    command = [SCRIPT, "bash", "-c", "echo $DATABASE_URL; exec sleep 120"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            folder = started(process)
            postgres, redis, sleeper = children(process.pid)
            process.send_signal(number)
            process.wait(timeout=60)
            deadline = time.monotonic() + 30
            while (lives(postgres) or lives(redis)) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not lives(postgres)
            assert not lives(redis)
            # Killed outright, nobody was left to end the command or to tidy up.
            assert lives(sleeper) == (number == signal.SIGKILL)
            assert Path(folder).exists() == (number == signal.SIGKILL)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)


def test_without_a_command_it_says_how_to_use_it():
    done = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "scripts/with-services make test" in done.stdout


def test_an_s3_server_comes_with_its_address_and_keys():
    require("s3")
    code = (
        "from models_registry.storage.blobs.objects import S3BlobStore, S3Place\n"
        "from models_registry.storage.blobs.protocol import ScratchFolder\n"
        "import os, pathlib, tempfile\n"
        "place, folder = S3Place.of(os.environ['SMALLHUB_BLOBS']), pathlib.Path(tempfile.mkdtemp())\n"
        "store = S3BlobStore(place, ScratchFolder(folder))\n"
        "with store.scratch() as scratch:\n    scratch.write(b'hello'); print(store.size(store.put(scratch)))\n"
        "print('DATABASE_URL' in os.environ)"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "hub.settings.test", "PYTHONPATH": str(ROOT)}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [SCRIPT, "--only-s3", ROOT / ".venv/bin/python", "-c", code],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env=environment,
    )

    assert done.stdout.split() == ["5", "False"], done.stderr
