"""A real nginx with the rules of deploy/ before a real hub: hot files leave by it, with every header that protects."""

import hashlib
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.types import AddLarge
from tests.contracts.conftest import ROOT, Hub, free_port, hub  # noqa: F401 - a fixture.
from tests.factories.accounts import token
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory
from tests.requirements import program, require

pytestmark = pytest.mark.django_db(transaction=True)
DATA = noise(6_000_000, 1)


@pytest.fixture
def front(hub: Hub, tmp_path):  # noqa: F811
    """The address of nginx before the hub."""
    require("nginx")
    hub.stop()
    hub.environment |= {"SMALLHUB_ACCEL_PREFIX": "/internal/cache/", "SMALLHUB_BEHIND_PROXY": "1"}
    hub.start()
    port, place = free_port(), tmp_path / "nginx"
    place.mkdir()
    inner = (ROOT / "deploy" / "nginx-hub.conf").read_text()
    inner = inner.replace("http://127.0.0.1:8000", hub.url).replace("/srv/smallhub/data", str(hub.data))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "\n".join(f"{kind}_temp_path {place}/{kind};" for kind in kinds)
    (place / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {folders}\nserver {{ listen 127.0.0.1:{port};\n{inner} }} }}\n"
    )
    command = [program("nginx"), "-p", str(place), "-c", str(place / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
        server.terminate()


@pytest.fixture
def hot():
    """A private repository with a file whose whole copy is at hand."""
    repository = RepositoryFactory(private=True, name="hot")
    found = put_plain(repository, DATA)
    operation = AddLarge("model.bin", found.sha256, len(DATA))
    commit(repository=repository, user=repository.creator, branch="main", title="x", operations=[operation])
    content.materialise(found)
    return repository


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_a_hot_file_is_sent_by_nginx_whole_and_by_ranges_with_its_headers(front, hot):
    url = f"{front}/{hot.full_name}/resolve/main/model.bin"
    mine = {"Authorization": f"Bearer {token(hot.creator)}"}
    etag = f'"{hashlib.sha256(DATA).hexdigest()}"'

    status, headers, body = get(url, **mine)
    assert (status, body) == (200, DATA)
    assert headers["ETag"] == etag
    assert headers["X-Repo-Commit"] == hot.refs.get().commit
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "model.bin" in headers["Content-Disposition"]
    assert headers["Last-Modified"] is None
    assert "X-Accel-Redirect" not in headers

    status, headers, body = get(url, Range="bytes=1000-1999", **mine)
    assert (status, body) == (206, DATA[1000:2000])
    assert headers["Content-Range"] == f"bytes 1000-1999/{len(DATA)}"


def test_nobody_gets_in_by_the_inner_address_or_without_a_right(front, hot):
    path = content.cached_path(content.Content.objects.get())
    inner = path.relative_to(path.parent.parent)

    assert get(f"{front}/internal/cache/{inner}")[0] == 404
    assert get(f"{front}/{hot.full_name}/resolve/main/model.bin")[0] in {401, 404}


def test_what_is_not_hot_comes_from_the_hub(front):
    repository = RepositoryFactory(name="cold")
    found = put_plain(repository, DATA)
    operation = AddLarge("model.bin", found.sha256, len(DATA))
    commit(repository=repository, user=repository.creator, branch="main", title="x", operations=[operation])

    assert get(f"{front}/{repository.full_name}/resolve/main/model.bin")[2] == DATA
