"""Bad input gets a clear 4xx with a stable code, at every door alike; never a 500, never half a change."""

import base64
import json

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Scope
from models_registry.models import Commit, Repository
from tests.factories.accounts import UserFactory, bearer
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return UserFactory(username="ada")


@pytest.fixture
def tiny(ada) -> Repository:
    repository = RepositoryFactory(user=ada, name="tiny")
    put(repository, {"a.txt": "hello", "README.md": "# Tiny\n"})
    return repository


def line(key: str, **value: object) -> str:
    return json.dumps({"key": key, "value": value})


HEADER = line("header", summary="Change")
FILE = line("file", path="b.txt", content=base64.b64encode(b"x").decode(), encoding="base64")

BAD_COMMITS = {
    "empty body": ("", 400),
    "no header": (FILE, 400),
    "not JSON": (HEADER + "\n{oops", 400),
    "a list": (HEADER + "\n[]", 400),
    "half a line": (HEADER + "\n" + FILE[:30], 400),
    "no value": (HEADER + '\n{"key": "file"}', 400),
    "unknown operation": (HEADER + "\n" + line("explode", path="x"), 400),
    "no summary": (line("header", summary=""), 400),
    "summary is a number": (line("header", summary=5), 400),
    "NUL in the summary": (line("header", summary="a\x00b"), 400),
    "not base64": (HEADER + "\n" + line("file", path="x", content="%%%", encoding="base64"), 400),
    "content is a number": (HEADER + "\n" + line("file", path="x", content=5, encoding="base64"), 400),
    "no path": (HEADER + "\n" + line("file", content="", encoding="base64"), 400),
    "climbing path": (HEADER + "\n" + line("file", path="../x", content="", encoding="base64"), 422),
    "absolute path": (HEADER + "\n" + line("file", path="/etc/passwd", content="", encoding="base64"), 422),
    "git path": (HEADER + "\n" + line("file", path=".git/config", content="", encoding="base64"), 422),
    "half a surrogate": (HEADER + '\n{"key":"file","value":{"path":"a\\ud800","content":"","encoding":"base64"}}', 400),
    "unknown content": (HEADER + "\n" + line("lfsFile", path="m.bin", algo="sha256", oid="0" * 64, size=3), 422),
    "short oid": (HEADER + "\n" + line("lfsFile", path="m.bin", algo="sha256", oid="abc", size=3), 400),
    "oid that climbs": (
        HEADER + "\n" + line("lfsFile", path="m.bin", algo="sha256", oid="../" * 21 + "x", size=3),
        400,
    ),
    "negative size": (HEADER + "\n" + line("lfsFile", path="m.bin", algo="sha256", oid="0" * 64, size=-1), 400),
    "delete what is not there": (HEADER + "\n" + line("deletedFile", path="nothing"), 404),
    "copy from nowhere": (HEADER + "\n" + line("copyFile", path="x", srcPath="nothing"), 404),
    "stale parent": (line("header", summary="x", parentCommit="0" * 40) + "\n" + FILE, 412),
    "card that cannot be read": (
        HEADER
        + "\n"
        + line("file", path="README.md", content=base64.b64encode(b"---\na: [\n---\n").decode(), encoding="base64"),
        400,
    ),
    "two spellings of one path": (HEADER + "\n" + line("file", path="A.TXT", content="", encoding="base64"), 422),
    "file where a folder is": (HEADER + "\n" + line("file", path="a.txt/b", content="", encoding="base64"), 422),
}


@pytest.mark.parametrize("name", BAD_COMMITS)
def test_a_bad_commit_is_refused_and_changes_nothing(client: Client, ada, tiny: Repository, name: str) -> None:
    body, status = BAD_COMMITS[name]
    before = Repository.objects.get(pk=tiny.pk).head

    answer = client.post(
        "/api/models/ada/tiny/commit/main", body, content_type="application/x-ndjson", headers=bearer(ada)
    )

    assert answer.status_code == status, answer.content
    assert answer.json()["error"]
    assert answer["X-Error-Message"]
    assert Repository.objects.get(pk=tiny.pk).head == before
    assert Commit.objects.filter(repository=tiny).count() == 2


BAD_REQUESTS = [
    ("post", "/api/repos/create", "not json", 400),
    ("post", "/api/repos/create", "[]", 400),
    ("post", "/api/repos/create", '{"name": 5}', 400),
    ("post", "/api/repos/create", '{"name": "a b"}', 400),
    ("post", "/api/repos/create", '{"name": "x", "type": "spaceship"}', 400),
    ("post", "/api/repos/create", '{"name": "x", "visibility": "loud"}', 400),
    ("post", "/api/repos/create", '{"name": "x", "organization": "nobody"}', 403),
    ("post", "/api/repos/create", '{"name": "tiny"}', 409),
    ("delete", "/api/repos/delete", '{"name": "missing"}', 404),
    ("post", "/api/models/ada/tiny/preupload/main", '{"files": 5}', 400),
    ("post", "/api/models/ada/tiny/preupload/main", '{"files": [{"path": "x", "size": "big"}]}', 400),
    ("post", "/api/models/ada/tiny/preupload/main", '{"files": [{"path": "x", "size": 1, "sample": "é"}]}', 400),
    ("post", "/api/models/ada/tiny/paths-info/main", '{"paths": [5]}', 400),
    ("post", "/api/models/ada/tiny/branch/refs%2Fheads%2Fx", "{}", 400),
    ("post", "/api/models/ada/tiny/branch/a..b", "{}", 400),
    ("post", "/api/models/ada/tiny/branch/main", "{}", 409),
    ("post", "/api/models/ada/tiny/branch/x", '{"startingPoint": "nowhere"}', 404),
    ("delete", "/api/models/ada/tiny/branch/main", "", 403),
    ("delete", "/api/models/ada/tiny/tag/nothing", "", 404),
    ("post", "/api/models/ada/tiny/tag/main", "{}", 400),
    ("put", "/api/models/ada/tiny/settings", '{"visibility": 5}', 400),
    ("get", "/api/models?limit=-1", "", 400),
    ("get", "/api/models?limit=x", "", 400),
    ("get", "/api/models?cursor=x", "", 400),
    ("get", "/api/models?sort=name;drop", "", 400),
    ("get", "/api/models?search=%00", "", 400),
    ("get", "/api/models/ada/tiny?expand=nothing", "", 400),
    ("get", "/api/models/ada/tiny/revision/%00", "", 404),
    ("get", "/api/models/ada/tiny/tree/main/nothing", "", 404),
    ("get", "/api/models/ada/tiny/commits/main?limit=0", "", 400),
    ("get", "/ada/tiny/resolve/main/../../etc/passwd", "", 404),
    ("get", "/ada/tiny/resolve/--upload-pack=x/a.txt", "", 404),
    ("get", "/api/v1/repositories/models?limit=100000", "", 400),
    ("get", "/api/v1/repositories/models/ada/tiny/manifest/nowhere", "", 404),
    ("patch", "/api/models/ada/tiny", "{}", 405),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD_REQUESTS)
def test_a_bad_request_gets_its_own_status(
    client: Client, ada, tiny, method: str, path: str, body: str, status: int
) -> None:
    call = getattr(client, method)
    kwargs = {} if method == "get" else {"data": body, "content_type": "application/json"}

    answer = call(path, headers=bearer(ada), **kwargs)

    assert answer.status_code == status, answer.content[:500]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: (HEADER + "\n" + text).encode())))
def test_no_body_breaks_the_commit_door(client: Client, ada, tiny: Repository, body: bytes) -> None:
    headers = bearer_once(ada)
    answer = client.post("/api/models/ada/tiny/commit/main", body, content_type="application/x-ndjson", headers=headers)
    assert answer.status_code < 500


def bearer_once(user, known: dict = {}) -> dict[str, str]:  # noqa: B006 - one token for all examples.
    if user.pk not in known:
        known[user.pk] = bearer(user)
    return known[user.pk]


def test_a_wrong_token_is_refused_everywhere_with_the_words_the_client_knows(client: Client, tiny: Repository) -> None:
    for path in ("/", "/ada/tiny", "/api/models", "/ada/tiny/resolve/main/a.txt", "/api/v1/repositories/models"):
        answer = client.get(path, headers={"Authorization": "Bearer hf_wrongwrongwrongwrongwrong"})
        assert answer.status_code == 401
        assert answer["X-Error-Message"] == "Invalid credentials in Authorization header"
    answer = client.get("/api/whoami-v2", headers={"Authorization": "Bearer hf_wrongwrongwrongwrongwrong"})
    assert answer["X-Error-Message"] == "Invalid username or password."


def test_private_and_missing_repositories_look_the_same_to_strangers(client: Client, ada) -> None:
    RepositoryFactory(user=ada, name="secret", private=True)
    stranger = bearer(UserFactory())
    for headers, status in ((stranger, 404), ({}, 401)):
        for template in (
            "/api/models/ada/{}",
            "/api/models/ada/{}/tree/main",
            "/ada/{}/resolve/main/a.txt",
            "/api/models/ada/{}/refs",
        ):
            hidden, missing = (client.get(template.format(name), headers=headers) for name in ("secret", "absent"))
            assert hidden.status_code == missing.status_code == status
            assert hidden["X-Error-Code"] == missing["X-Error-Code"] == "RepoNotFound"
            assert hidden.content.replace(b"secret", b"absent") == missing.content


def test_a_read_token_may_not_write(client: Client, ada, tiny: Repository) -> None:
    answer = client.post(
        "/api/models/ada/tiny/commit/main",
        HEADER + "\n" + FILE,
        content_type="application/x-ndjson",
        headers=bearer(ada, Scope.READ),
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_too_small"


def test_user_content_is_served_so_that_no_browser_runs_it(client: Client, ada, tiny: Repository) -> None:
    put(tiny, {"x.html": "<script>alert(1)</script>", "x.svg": "<svg onload='alert(1)'/>"})
    for path in ("x.html", "x.svg", "README.md"):
        for door in ("resolve", "raw"):
            answer = client.get(f"/ada/tiny/{door}/main/{path}")
            assert answer["Content-Type"].split(";")[0] in {"text/plain", "application/octet-stream"}
            assert "sandbox" in answer["Content-Security-Policy"]
            assert answer["X-Content-Type-Options"] == "nosniff"
