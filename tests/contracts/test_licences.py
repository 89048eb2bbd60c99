"""The client asks this hub what all that is locked is licensed under, and keeps out what a project does not allow."""

from pathlib import Path

import pytest
import smallhub
from smallhub import cli

from tests.factories.registry import RepositoryFactory, put

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def made(licence: str, **traits):
    repository = RepositoryFactory(**traits)
    put(repository, {"README.md": f"---\nlicense: {licence}\n---\n", "NOTICE": "By the harbour."})
    return repository


def test_a_lock_file_from_lock_to_report_notice_and_bill(live_server, monkeypatch, tmp_path, capsys):
    for name in ("SMALLHUB_TOKEN", "SMALLHUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMALLHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SMALLHUB_ENDPOINT", live_server.url)
    monkeypatch.chdir(tmp_path)
    free, bound = made("apache-2.0"), made("cc-by-nc-4.0")
    smallhub.lock(free.full_name, bound.full_name)

    rows = {row.name: row for row in smallhub.licenses().rows}

    assert (rows[free.full_name].licence.text, rows[free.full_name].source) == ("apache-2.0", "hub")
    assert any(each.term == "state-changes" for each in rows[free.full_name].obligations)
    assert rows[bound.full_name].licence.kind == "non-commercial"
    assert cli.main(["licenses", "--fail-on", "non-commercial"]) == 9
    assert "By the harbour." in smallhub.notice()
    assert smallhub.sbom(free.full_name, format="cyclonedx")["bomFormat"] == "CycloneDX"
    Path("smallhub.toml").write_text('[licences]\nallow = ["permissive"]\n')
    with pytest.raises(smallhub.LicenceRefused):
        smallhub.pull(bound.full_name)
    assert (smallhub.pull(free.full_name) / "NOTICE").exists()
    assert {row["id"] for row in smallhub.search(licence="non-commercial")} == {bound.full_name}
    capsys.readouterr()
