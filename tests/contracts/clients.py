"""Both lines of the public client against a running hub.

The scenarios of a subject run one after the other in one process of a client; each is a test of its own.
"""

import ast
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.contracts.conftest import Hub
from tests.factories.accounts import OrganisationFactory, UserFactory, token
from tests.requirements import ROOT, require

LINES = ("2.x", "1.x")
SCENARIOS = Path(__file__).resolve().parent / "scenarios"
SUBJECTS = sorted(path.stem for path in SCENARIOS.glob("*.py") if path.stem not in {"__init__", "run", "world"})
TIME_LIMIT_S = 600


@dataclass(frozen=True)
class Scenario:
    """A scenario as its source declares it: the client is not imported here."""

    name: str
    methods: tuple[str, ...]
    only: str


def declared(subject: str) -> list[Scenario]:
    tree = ast.parse((SCENARIOS / f"{subject}.py").read_text())
    found = []
    for node in tree.body:
        for mark in getattr(node, "decorator_list", []):
            methods = tuple(ast.literal_eval(each) for each in mark.args)
            only = next((ast.literal_eval(each.value) for each in mark.keywords if each.arg == "only"), "")
            found.append(Scenario(node.name, methods, only))
    return found


def scenarios(subject: str) -> list[Any]:
    """Parameters (line, name) of all tests of a subject."""
    return [
        pytest.param(line, each.name, id=f"{line}-{each.name}")
        for line in LINES
        for each in declared(subject)
        if each.only in ("", line)
    ]


def python_of(line: str) -> str:
    """The interpreter that has this line of the client; the test is skipped where there is none."""
    if line == "2.x":
        require("huggingface_hub", "hf_xet")
        return sys.executable
    require("client 1.x")
    return str(ROOT / ".venv-client-1x" / "bin" / "python")


class Clients:
    """Runs each subject once per line, for the first test that asks, and remembers how its scenarios ended."""

    _ends: ClassVar[dict[tuple[str, str], dict[str, str]]] = {}

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request, self._folder = request, folder

    def check(self, line: str, subject: str, name: str) -> None:
        """Fail with what the scenario said."""
        python = python_of(line)
        if (line, subject) not in self._ends:
            self._ends[line, subject] = self._run(python, line, subject)
        error = self._ends[line, subject].get(name, "It did not run.")
        if error:
            pytest.fail(f"{name} with the {line} client:\n{error}", pytrace=False)

    def _run(self, python: str, line: str, subject: str) -> dict[str, str]:
        hub: Hub = self._request.getfixturevalue("hub")
        ada, eve = UserFactory(username="ada"), UserFactory(username="eve")
        OrganisationFactory(name="harbour", owner=ada)
        home = self._folder / "client"
        home.mkdir()
        environment = {
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "HF_HOME": str(home / "hf"),
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "SCENARIOS": f"{subject}-{line[0]}",
            "ADA_TOKEN": token(ada),
            "EVE_TOKEN": token(eve),
        }
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "LD_LIBRARY_PATH"):
            if name in os.environ:
                environment[name] = os.environ[name]
        done = subprocess.run(
            [python, str(SCENARIOS / "run.py"), subject, str(home)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        failures = [line for line in hub.log.read_text().splitlines() if "Internal Server Error" in line]
        assert not failures, failures[:5]
        told = [json.loads(text) for text in done.stdout.splitlines() if text.startswith('{"name"')]
        return {each["name"]: each["error"] for each in told}
