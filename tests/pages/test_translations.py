"""Every sentence of the site exists in Chinese, and fits where the English one stood."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns, which

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
_PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


def catalogue(path: Path = SOURCE) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


MESSAGES = [message for message in catalogue() if message.id]


def test_no_sentence_is_missing_or_doubtful():
    missing = [ids(message)[0] for message in MESSAGES if not all(strings(message)) or message.fuzzy]

    assert missing == []


def test_every_place_for_a_value_is_kept():
    wrong = []
    for message in MESSAGES:
        wanted = set(_PLACES.findall(ids(message)[-1]))
        wrong += [text for text in strings(message) if set(_PLACES.findall(text)) != wanted]

    assert wrong == []


def test_chinese_is_written_with_chinese_punctuation():
    wrong = [
        text
        for message in MESSAGES
        for text in strings(message)
        if re.search(r"[\u4e00-\u9fff][,;!?](?!\d)|[\u4e00-\u9fff]\.(?:\s|$)|!", text)
    ]

    assert wrong == []


COLLECT = """
import sys
from django.conf import settings
import django
settings.LOCALE_PATHS = [sys.argv[1]]
django.setup()
from django.core.management import call_command
call_command("makemessages", locale=["zh_Hans"], no_location=True, no_obsolete=True, verbosity=0)
"""


def test_the_catalogue_holds_what_the_code_says_now(tmp_path):
    """Collects the texts anew from a copy and compares: a new sentence without a translation fails here."""
    if which("xgettext") is None:
        pytest.skip("GNU gettext is not installed.")
    for folder in ("accounts", "evaluation", "hub", "models_registry", "templates", "training"):
        copytree(ROOT / folder, tmp_path / folder, ignore=ignore_patterns("__pycache__", "*.jsonl", "migrations"))
    target = tmp_path / "locale"
    (target / "zh_Hans" / "LC_MESSAGES").mkdir(parents=True)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "hub.settings.test", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COLLECT, str(target)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=120)

    collected = catalogue(target / "zh_Hans" / "LC_MESSAGES" / "django.po")
    now = {(message.context, ids(message)[0]) for message in collected if message.id}
    before = {(message.context, ids(message)[0]) for message in MESSAGES}

    assert {text for _, text in now - before} == set(), "Run: make messages, then translate."
    assert {text for _, text in before - now} == set(), "Translated, but said nowhere any more. Run: make messages."
