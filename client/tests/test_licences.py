"""What a lock file asks of its users, and licences that are kept out before a byte is pulled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import smallhub
from smallhub import cli
from smallhub._policy import Licence, Policy, Rule

MIT, GPL, NC = ("mit", "permissive"), ("gpl-3.0", "copyleft"), ("cc-by-nc-4.0", "non-commercial")


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)


@pytest.fixture
def two(hub) -> None:
    """`ada/free` under MIT and `ada/bound` under a licence that forbids selling, both locked."""
    hub.licences[hub.add("ada/free", {"a": b"free"})] = MIT
    hub.licences[hub.add("ada/bound", {"a": b"bound"})] = NC
    smallhub.lock("ada/free@main", "ada/bound@main")


def asked(hub) -> list[str]:
    return [path for _, path, _ in hub.seen]


def test_a_lock_records_licences(two):
    rows = json.loads(Path("smallhub.lock").read_text())["models"]

    assert rows["ada/free@main"]["licence"] == "mit"
    assert rows["ada/bound@main"]["licence_class"] == "non-commercial"
    assert rows["ada/bound@main"]["licence_choices"] == [{"cc-by-nc-4.0": "non-commercial"}]


def test_all_pins_are_asked_for_at_once(hub, two):
    hub.seen.clear()

    report = smallhub.licenses()

    assert asked(hub) == ["/api/v1/licences"]
    free, bound = sorted(report.rows, key=lambda row: row.name, reverse=True)
    assert (free.licence.text, free.verdict, free.source) == ("mit", "obligations", "hub")
    assert free.obligations[0].because == ("ada/free",)
    assert bound.conflicts == ("The base may not be sold.",)
    assert report.offline == ""


def test_without_a_hub_the_lock_file_is_asked_and_that_is_said(hub, two, monkeypatch, capsys):
    monkeypatch.setenv("SMALLHUB_OFFLINE", "1")

    report = smallhub.licenses()

    assert "SMALLHUB_OFFLINE" in report.offline
    assert {row.licence.text for row in report.rows} == {"mit", "cc-by-nc-4.0"}
    assert {row.source for row in report.rows} == {"lock"}
    assert cli.main(["licenses"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("From the lock file alone")
    assert "what the lock file recorded" in shown.err


def test_what_the_hub_no_longer_shows_and_what_was_locked_long_ago_is_unknown(hub, two, monkeypatch):
    hub.forgotten.add("ada/free")
    assert [row.problem for row in smallhub.licenses().rows if row.name == "ada/free@main"] == [
        "the hub does not show it any more"
    ]
    data = json.loads(Path("smallhub.lock").read_text())
    for row in data["models"].values():
        del row["licence"], row["licence_class"], row["licence_choices"]
    Path("smallhub.lock").write_text(json.dumps(data))
    monkeypatch.setenv("SMALLHUB_OFFLINE", "1")

    report = smallhub.licenses()

    assert all("locked before licences" in row.problem for row in report.rows)
    assert len(report.failures(["unknown"])) == 2


def test_an_update_gives_old_pins_their_licence(hub, two):
    data = json.loads(Path("smallhub.lock").read_text())
    del data["models"]["ada/free@main"]["licence"]
    Path("smallhub.lock").write_text(json.dumps(data))

    assert smallhub.update() == ()

    assert json.loads(Path("smallhub.lock").read_text())["models"]["ada/free@main"]["licence"] == "mit"


@pytest.mark.parametrize(
    ("words", "status"),
    [("copyleft", 0), ("non-commercial", 9), ("conflict", 9), ("unknown", 0), ("copyleft,non-commercial", 9)],
)
def test_a_build_stops_at_what_must_not_be(two, words, status, capsys):
    assert cli.main(["licenses", "--fail-on", words, "--json"]) == status

    shown = capsys.readouterr()
    assert [row["name"] for row in json.loads(shown.out)["failures"]] == (["ada/bound@main"] if status else [])
    assert ("ada/bound@main" in shown.err) == bool(status)


def test_a_word_that_could_never_fail_is_refused_before_the_hub_is_asked(hub, two, capsys):
    hub.seen.clear()

    assert cli.main(["licenses", "--fail-on", "noncommercial"]) == 1

    assert "noncommercial" in capsys.readouterr().err
    assert not hub.seen


def test_the_report_in_markdown_and_as_a_notice_file(two, capsys, tmp_path):
    assert cli.main(["licenses", "--markdown"]) == 0
    shown = capsys.readouterr().out
    assert "| ada/free@main |" in shown
    assert "- must: Keep the notice." in shown
    assert "not legal advice" in shown
    assert cli.main(["licenses", "--notice", str(tmp_path / "NOTICE")]) == 0
    assert (tmp_path / "NOTICE").read_text().splitlines() == ["ada/bound", "ada/free"]


def test_a_notice_needs_every_one(hub, two):
    hub.forgotten.add("ada/free")
    with pytest.raises(smallhub.NotFound, match="ada/free@main"):
        smallhub.notice()


def test_a_bill_of_materials(hub, capsys, tmp_path):
    hub.add("ada/free", {"a": b""})

    assert cli.main(["sbom", "ada/free@v1", "--format", "spdx", "-o", str(tmp_path / "bill.json")]) == 0

    bill = json.loads((tmp_path / "bill.json").read_text())
    assert bill == {"of": "ada/free", "query": "format=spdx&revision=v1"}


def test_what_a_project_does_not_allow_is_refused_before_a_byte_is_pulled(hub, two):
    Path("smallhub.toml").write_text('[licences]\nallow = ["permissive"]\n')
    below = Path("src")
    below.mkdir()
    hub.bytes_sent.clear()

    with pytest.raises(smallhub.LicenceRefused, match=r"cc-by-nc-4.0 \(non-commercial\)") as caught:
        smallhub.pull("ada/bound@main")

    assert not hub.bytes_sent
    assert caught.value.details["allow"] == ["permissive"]
    assert caught.value.exit_status == 7
    assert (smallhub.pull("ada/free@main") / "a").exists()


def test_a_policy_that_cannot_be_read_stops_everything(hub, two):
    for text in ("[licences]\nalow = []\n", "[licences]\nallow = 'mit'\n", "not toml", "licences = 3\n"):
        Path("smallhub.toml").write_text(text)
        with pytest.raises(smallhub.Invalid):
            smallhub.pull("ada/free@main")


def test_a_lock_file_has_a_list_of_its_own(hub):
    hub.licences[hub.add("ada/free", {"a": b"free"})] = MIT
    bound = hub.add("ada/bound", {"a": b"bound"})
    smallhub.lock("ada/bound@main", "ada/free@main", allow=("mit", "apache-2.0"))
    hub.licences[bound] = NC

    with pytest.raises(smallhub.LicenceRefused, match="the lock file allows mit"):
        smallhub.lock("ada/bound@main")
    with pytest.raises(smallhub.LicenceRefused):
        smallhub.pull("ada/bound@main", lock_file="smallhub.lock")
    assert json.loads(Path("smallhub.lock").read_text())["allow"] == ["mit", "apache-2.0"]


def test_a_pull_by_name_may_ask_for_a_licence(hub, two):
    assert (smallhub.pull("ada/free@main", licence="permissive") / "a").exists()
    with pytest.raises(smallhub.LicenceRefused):
        smallhub.pull("ada/bound@main", licence="permissive")


def test_an_organisation_that_the_project_names_is_asked_once(hub, two, token):
    hub.rules["lab"] = ["permissive"]
    Path("smallhub.toml").write_text('[licences]\norganisation = "lab"\n')
    with pytest.raises(smallhub.LicenceRefused, match="the organisation lab"):
        smallhub.pull("ada/bound@main")
    hub.seen.clear()
    with smallhub.Hub() as own:
        for _ in range(2):
            own.downloads.policies.here()
    assert asked(hub) == ["/api/v1/licence-rules?organisation=lab"]


def test_a_project_of_an_organisation_that_we_are_not_in_pulls_nothing(hub, two):
    Path("smallhub.toml").write_text('[licences]\norganisation = "lab"\n')
    with pytest.raises(smallhub.NotFound, match="no member"):
        smallhub.pull("ada/free@main")


def test_another_licence_is_told_before_a_name_moves_to_it(hub, two, caplog, capsys):
    hub.add("ada/free", {"a": b"free"}, "old")
    hub.licences[hub.add("ada/free", {"a": b"newer"})] = GPL

    (state,) = [each for each in smallhub.outdated() if each.is_outdated]
    assert state.licence_change == "mit (permissive) -> gpl-3.0 (copyleft)"
    assert smallhub.update(keep_licence=True) == ()
    assert "It stays as it is locked" in caplog.text
    caplog.clear()
    assert cli.main(["update"]) == 0
    assert "changes its licence: mit (permissive) -> gpl-3.0 (copyleft)" in caplog.text
    assert "licence: mit (permissive) -> gpl-3.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("choices", "allow", "passes"),
    [
        ([{"MIT": "permissive"}, {"GPL-3.0-only": "copyleft"}], ["gpl-3.0"], True),
        ([{"MIT": "permissive", "CC-BY-4.0": "permissive"}], ["mit"], False),
        ([{"MIT": "permissive", "CC-BY-4.0": "permissive"}], ["mit", "cc-by-4.0"], True),
        ([{"MIT": "permissive", "gemma": "restricted"}], ["permissive"], False),
        ([{"MIT": "permissive", "gemma": "restricted"}], ["PERMISSIVE", "Gemma"], True),
        ([{"mystery": "unknown"}], ["permissive", "copyleft"], False),
        ([{"mystery": "unknown"}], ["mystery"], True),
        ([], ["permissive"], False),
        ([], ["unknown"], True),
    ],
)
def test_one_choice_is_enough_but_all_of_it(choices, allow, passes):
    assert Licence("x", "unknown", tuple(choices)).is_within(allow) is passes


def test_rules_add_up():
    policy = Policy((Rule(("permissive",), "a"),)).with_rule(("mit",), "b")
    policy.check("x", Licence("mit", "permissive", ({"MIT": "permissive"},)))
    with pytest.raises(smallhub.LicenceRefused, match="b allows mit"):
        policy.check("x", Licence("isc", "permissive", ({"ISC": "permissive"},)))
