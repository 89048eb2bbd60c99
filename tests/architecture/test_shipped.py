"""The client's package brings along all that it takes to make a number again, and nothing of the server."""

import ast
import re
from pathlib import Path

from tests.architecture.tree import ROOT, below, imports, module_name, product, text

ENTRY = "evaluation.rerun"
OURS = ("evaluation", "models_registry", "accounts", "hub", "training", "studio")


def shipped() -> set[str]:
    """The modules that the build copies."""
    listed = re.search(r"^SHIPPED = (\(.*?^\))", text(Path("client/setup.py")), re.MULTILINE | re.DOTALL)
    assert listed is not None
    names = ast.literal_eval(listed[1])
    assert [name for name in names if not (ROOT / name).exists()] == []
    inside = tuple(f"{name}/" for name in names)
    return {module_name(path) for path in product() if str(path) in names or str(path).startswith(inside)}


def test_what_a_rerun_imports_is_shipped():
    known = {module_name(path): path for path in product()}
    reached, waiting = set(), [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in known:
            continue
        reached.add(name)
        for found in imports(known[name]):
            if below(found.target, *OURS):
                waiting += [found.target, f"{found.target}.{found.name}"]
    assert len(reached) > 30
    assert not reached - shipped(), "Add them to SHIPPED in client/setup.py, or do without them."


def test_nothing_that_is_shipped_knows_the_server():
    known = {module_name(path): path for path in product()}
    wrong = [
        str(one)
        for name in sorted(shipped())
        for one in imports(known[name])
        if below(one.target, "django", "rest_framework", "celery", "hub", "accounts")
    ]
    assert not wrong
