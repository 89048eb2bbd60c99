"""The licence of what is pushed: declared in the folder's own card, and missed where there is none."""

from __future__ import annotations

import pytest
import smallhub
from smallhub._licence import declare, declared_in
from smallhub.cli import main


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"\0" * 20)
    return folder


def test_a_licence_is_written_into_a_new_card_and_pushed_with_it(hub, token, folder):
    report = smallhub.push(folder, "ada/tiny", licence="apache-2.0")

    assert (folder / "README.md").read_text() == "---\nlicense: apache-2.0\n---\n"
    assert "README.md" in report.changed
    assert not report.is_draft
    assert smallhub.push(folder, "ada/tiny", licence="Apache-2.0").changed == ()


def test_a_card_keeps_all_that_it_says(folder):
    card = folder / "README.md"
    card.write_bytes(b"---\r\ntags: [a]\r\n---\r\n# Tide\r\n")

    assert declare(folder, "MIT OR Apache-2.0")

    assert card.read_bytes() == b"---\r\ntags: [a]\r\nlicense: MIT OR Apache-2.0\r\n---\r\n# Tide\r\n"


@pytest.mark.parametrize("card", ["---\nlicense: gpl-3.0 # ours\n---\n", "---\nlicense:\n- mit\n- isc\n---\n"])
def test_another_licence_in_the_card_is_never_replaced(hub, token, folder, card):
    (folder / "README.md").write_text(card)

    with pytest.raises(smallhub.Invalid) as caught:
        smallhub.push(folder, "ada/tiny", licence="mit")

    assert caught.value.code == "licence_differs"
    assert (folder / "README.md").read_text() == card
    assert hub.commits == []


@pytest.mark.parametrize("licence", ["", " ", "mit: x", "mit\nname: y", "x" * 300, "[mit]"])
def test_what_can_be_no_licence_is_refused_and_writes_nothing(folder, licence):
    with pytest.raises(smallhub.Invalid) as caught:
        declare(folder, licence)
    assert caught.value.code == "bad_licence"
    assert not (folder / "README.md").exists()


def test_prose_that_speaks_of_a_licence_declares_none():
    assert declared_in("# Tide\nlicense: mit\n") is None
    assert declared_in("---\na: 1\n---\nlicense: mit\n") is None
    assert declared_in("---\nlicense: 'mit'\n---\n") == "mit"


def test_the_command_says_when_a_push_leaves_a_draft(hub, token, folder, capsys):
    assert main(["push", str(folder), "ada/tiny"]) == 0
    said = capsys.readouterr().out
    assert "A draft: its card declares no licence" in said
    assert "--licence ID" in said
    assert "/ada/tiny/settings/licence" in said

    assert main(["push", str(folder), "ada/tiny", "--licence", "mit"]) == 0
    assert "draft" not in capsys.readouterr().out
