"""S12: chat templates are rendered in the sandbox, and judged by what came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation import sandbox
from evaluation.sandbox import Limits, Loader
from evaluation.steps.checks import Check
from evaluation.steps.inspect import Inspection
from evaluation.steps.smoke_chat import check, judge

GOOD = (
    "{% for message in messages %}{% if message['role'] not in ['system', 'user', 'assistant'] %}"
    "{{ raise_exception('unknown role') }}{% endif %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def checked(folder: Path, template: str, **settings: object) -> Check:
    table = {"chat_template": template, "bos_token": "<s>"} | settings
    (folder / "tokenizer_config.json").write_text(json.dumps(table))
    (folder / "config.json").write_text("{}")
    inspection = Inspection(format="safetensors", chat_template="tokenizer_config.json")
    limits = Limits(load_s=5)
    return check(inspection, lambda: sandbox.open(folder, limits=limits, loader=Loader.chat_templates()))


def test_a_good_template_passes(tmp_path: Path) -> None:
    found = checked(tmp_path, GOOD)

    assert (found.id, found.state) == ("S12", "pass"), found.message
    assert found.value == 1
    assert "system turns" in found.message


@pytest.mark.parametrize(
    ("template", "state", "word"),
    [
        ("{% for x in %}", "fail", "compile"),
        ("{{ messages[0].content.nothing() }}", "fail", "cannot render"),
        ("{{ ''.__class__.__mro__ }}", "fail", "cannot render"),
        ("hello", "fail", "leaves out"),
        ("<s>" + "{{ bos_token }}" + GOOD, "fail", "twice"),
        (GOOD.replace("{% if add_generation_prompt %}<|assistant|>{% endif %}", ""), "warn", "adds nothing"),
        ("{% if add_generation_prompt %}open{% endif %}" + GOOD, "warn", "what came before"),
    ],
)
def test_a_template_that_is_not_as_it_should_be_is_told(tmp_path: Path, template: str, state: str, word: str) -> None:
    found = checked(tmp_path, template)

    assert found.state == state, found.message
    assert word in found.message


def test_a_template_without_end_ends_with_its_sandbox(tmp_path: Path) -> None:
    loops = "{% for a in range(9999) %}" * 4 + "x" + "{% endfor %}" * 4

    with pytest.raises((sandbox.TimedOut, sandbox.OutOfMemory)):
        checked(tmp_path, loops)


def test_a_beginning_that_both_would_write_is_warned_of() -> None:
    text = {"text": "<s>Where is the ferry? Since when?"}
    rendered = dict.fromkeys(("user:closed", "dialogue:open"), text)
    opened = {"user:open": {"text": text["text"] + "<bot>"}}

    assert judge(rendered | opened | {"bos_token": "<s>", "adds_bos": True}).state == "warn"
    assert judge(rendered | opened | {"bos_token": "<s>", "adds_bos": False}).state == "pass"


def test_without_a_template_there_is_nothing_to_check() -> None:
    assert check(Inspection(format="safetensors"), None).state == "not_applicable"
