"""Status, documentation and errors that help."""

import pytest
from django.test import Client
from django.utils import timezone

from hub.core.models import WorkerHeartbeat

pytestmark = pytest.mark.django_db


def test_the_status_page_tells_whether_anything_is_measured(client):
    assert b"No worker has reported yet." in client.get("/status").content

    WorkerHeartbeat.objects.create(worker="harbour-2", seen_at=timezone.now())

    assert b"Everything works." in client.get("/status").content


def test_documentation_is_served_from_its_files(client, tmp_path, monkeypatch):
    from hub.pages import service

    (tmp_path / "using.md").write_text("# Using the hub\n\nPull by name. See [how](other.md).")
    (tmp_path / "other.md").write_text("# Other things\n\nMore.")
    monkeypatch.setattr(service, "DOCS", tmp_path)

    html = client.get("/docs").content.decode()

    assert "Pull by name." in html
    assert 'href="/docs/other.md"' in html
    assert b"More." in client.get("/docs/other.md").content
    assert client.get("/docs/..%2Fsecret").status_code == 404


def test_errors_carry_the_reference_of_the_request(client):
    answer = client.get("/nobody-here", headers={"X-Request-Id": "ref-123"})

    assert b"ref-123" in answer.content


def test_a_failure_of_ours_is_a_page_that_asks_nothing_of_the_database(monkeypatch):
    from hub.pages import catalogue

    monkeypatch.setattr(catalogue.facets, "public_counts", lambda kind: 1 / 0)
    client = Client(raise_request_exception=False)

    answer = client.get("/models", headers={"X-Request-Id": "ref-500"})

    assert answer.status_code == 500
    assert b"It failed on our side" in answer.content
    assert b"ref-500" in answer.content


def test_pages_are_served_under_a_strict_policy(client):
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_pages_speak_chinese_when_asked_and_remember_it(client):
    answer = client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/models"})

    assert answer.url == "/models"
    html = client.get("/models").content.decode()
    assert '<html lang="zh-hans">' in html
    assert "模型" in html


def test_every_page_of_the_documentation_opens_and_its_links_lead_on(client):
    import re

    seen, waiting = set(), ["/docs"]
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        found = re.findall(r'href="(/docs/[^"#]*)', answer.content.decode())
        waiting += [link for link in dict.fromkeys(found) if link not in seen and link not in waiting]

    assert {"/docs/user/upload.md", "/docs/operations", "/docs/decisions/0001-git-objects-in-rows.md"} <= seen
