"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import argparse
import io
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import smallhub
from smallhub import cli
from smallhub._config import read_config, token_path


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_pull_prints_the_folder_alone(hub, capsys):
    hub.add("ada/tiny", {"a": b"1"})

    status, out, err = run(capsys, "pull", "ada/tiny")

    assert status == 0
    assert (Path(out.strip()) / "a").read_bytes() == b"1"
    assert err == ""


@pytest.mark.parametrize(
    ("prepare", "status", "word"),
    [
        (lambda hub: None, 3, "no repository"),
        (lambda hub: hub.add("ada/tiny", {"a": b"1"}, is_quarantined=True), 7, "quarantined"),
        (lambda hub: (hub.add("ada/tiny", {"a": b"1"}), hub.flip.update(a=-1)), 5, "a: the hub sent wrong bytes"),
        (lambda hub: hub.extra_manifest_rows or hub.add("ada/tiny", {"..": b"1"}), 7, "refused"),
    ],
)
def test_failures_have_a_status_of_their_own_and_one_readable_line(hub, capsys, prepare, status, word):
    prepare(hub)

    actual, out, err = run(capsys, "pull", "ada/tiny")

    assert (actual, out) == (status, "")
    assert word in err
    assert "Traceback" not in err


def test_no_hub_is_status_6(capsys, monkeypatch):
    monkeypatch.setenv("SMALLHUB_ENDPOINT", "http://127.0.0.1:9")

    assert run(capsys, "search", "x")[0] == 6


def test_wrong_usage_is_status_2(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["pull"])

    assert caught.value.code == 2


def test_a_bad_name_is_told_before_the_network_is_used(hub, capsys):
    status, _, err = run(capsys, "pull", "no-slash")

    assert status == 1
    assert "namespace/name" in err
    assert hub.seen == []


def test_errors_come_as_json_when_asked(hub, capsys):
    status, out, _ = run(capsys, "pull", "ada/none", "--json")

    assert status == 3
    assert json.loads(out)["error"]["code"] == "repository_not_found"


def test_login_stores_a_checked_token_for_this_hub_only_readable_by_its_user(hub, capsys, monkeypatch):
    from smallhub_test_server import TOKEN

    monkeypatch.setattr("sys.stdin", io.StringIO(TOKEN + "\n"))

    status, out, _ = run(capsys, "login", "--token-stdin")

    assert (status, out) == (0, "Logged in as ada.\n")
    assert stat.S_IMODE(token_path().stat().st_mode) == 0o600
    assert read_config().token == TOKEN
    assert read_config(endpoint="http://elsewhere.example").token is None
    assert TOKEN not in repr(read_config())
    assert run(capsys, "whoami")[1] == "ada (member of lab)\n"


def test_a_wrong_token_is_not_stored(hub, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("hf_wrong\n"))

    assert run(capsys, "login", "--token-stdin")[0] == 4
    assert not token_path().exists()


def test_whoami_without_a_token_says_what_to_do(hub, capsys):
    status, _, err = run(capsys, "whoami")

    assert status == 4
    assert "smallhub login" in err


def test_search_info_and_results_answer(hub, capsys):
    hub.add("ada/tiny", {"a": b"1"})

    assert "ada/tiny" in run(capsys, "search", "tiny")[1]
    assert json.loads(run(capsys, "search", "--json")[1])[0]["id"] == "ada/tiny"
    assert "1 B   a" in run(capsys, "info", "ada/tiny")[1]
    assert "bits_per_byte 1.5  [1.4, 1.6]" in run(capsys, "results", "ada/tiny")[1]


def test_push_reports_what_it_did(hub, token, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(b"\0" * 2000)

    status, out, _ = run(capsys, "push", str(tmp_path / "model"), "ada/tiny", "-m", "First")

    assert status == 0
    assert "1 files changed, 0 unchanged, 2.0 kB uploaded" in out
    assert "Nothing to do" in run(capsys, "push", str(tmp_path / "model"), "ada/tiny")[1]


def test_verify_fails_with_status_5_when_bytes_changed(hub, tmp_path, capsys):
    hub.add("ada/tiny", {"a": b"1"})
    run(capsys, "pull", "ada/tiny", "--dir", str(tmp_path / "out"))
    assert run(capsys, "verify", str(tmp_path / "out"))[0] == 0
    (tmp_path / "out" / "a").write_bytes(b"2")

    status, out, _ = run(capsys, "verify", str(tmp_path / "out"))

    assert status == 5
    assert "changed    a" in out


def test_python_dash_m_works():
    done = subprocess.run([sys.executable, "-m", "smallhub", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == f"smallhub {smallhub.__version__}\n"


def test_models_explain_and_tag_on_the_command_line(tmp_path, capsys, monkeypatch):
    pytest.importorskip("numpy")
    from smallhub.runtimes import crf_training, ngram

    texts = ["the cat sat", "a dog sat"] * 3
    ngram.train(texts, unit="word", order=2).save(tmp_path / "language")
    words = [text.split() for text in texts]
    crf_training.train(words, [["O", "B-X", "O"]] * 6).save(tmp_path / "tagger")
    monkeypatch.chdir(tmp_path)

    status, out, _ = run(capsys, "explain", "./language", "the cat sat")
    assert status == 0
    assert out.splitlines()[0].startswith("the cat sat: log_probability -")
    assert [line.split()[-1] for line in out.splitlines()[1:]] == ["the", "cat", "sat", "</s>"]

    status, out, _ = run(capsys, "explain", "./language", "the cat", " sat")
    assert status == 0
    assert out.splitlines()[0].startswith(" sat: log_probability -")
    assert [line.split()[-1] for line in out.splitlines()[1:]] == ["sat"]
    with pytest.raises(SystemExit) as caught:
        cli.main(["explain", "./language", "the cat", " sat", "--target", "ran"])
    assert caught.value.code == 2

    _, out, _ = run(capsys, "tag", "./tagger", "the cat sat", "--json")
    assert json.loads(out) == [[["the", "O"], ["cat", "B-X"], ["sat", "O"]]]

    _, out, _ = run(capsys, "explain", "./tagger", "the cat sat", "--target", "1", "--json")
    assert json.loads(out)["target"] == "B-X"


@pytest.mark.parametrize(
    ("given", "capabilities", "asked"),
    [
        (["who", "Ada did"], {"answer"}, ({"question": "who", "context": "Ada did"}, None)),
        (["who"], {"answer"}, None),
        (["a cat", "a dog"], {"embed"}, ({"first": "a cat", "second": "a dog"}, None)),
        (["a cat"], {"embed"}, None),
        (["a cat"], {"classify", "embed"}, ("a cat", None)),
        (["a cat", "a dog"], {"classify", "embed"}, None),
        (["a cat", "--target", "good"], {"classify"}, ("a cat", "good")),
        (["a cat", "--target", "1"], {"tag"}, (["a", "cat"], 1)),
        (["a cat", "is"], {"log_likelihood", "generate"}, ("a cat", "is")),
    ],
)
def test_what_is_explained_follows_from_what_the_model_can_do(given, capabilities, asked):
    from smallhub._explain_command import add_explain_options, question_of

    parser = argparse.ArgumentParser()
    add_explain_options(parser)
    parser.set_defaults(refuse=parser.error)
    options = parser.parse_args(["./model", *given])

    if asked is None:
        with pytest.raises(SystemExit):
            question_of(options, capabilities)
    else:
        assert question_of(options, capabilities) == asked
