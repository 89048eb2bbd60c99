"""What no line of the product may do: run what a stranger wrote, hide a failure, or leave work for later."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import BINARY, parsed, product, text, tracked

# Calls that can run code found in a file. Models are read as plain arrays, or looked at without being opened.
UNSAFE_CALLS = {
    "dill.load",
    "dill.loads",
    "eval",
    "exec",
    "joblib.load",
    "marshal.load",
    "marshal.loads",
    "os.popen",
    "os.system",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "shelve.open",
    "torch.hub.load",
    "torch.jit.load",
    "torch.load",
    "yaml.full_load",
    "yaml.unsafe_load",
}
UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "shelve"}
UNSAFE_ARGUMENTS = {"allow_pickle": True, "shell": True, "trust_remote_code": True}
SAFE_LOADERS = ("SafeLoader", "CSafeLoader")
# Runs the programs that models write, inside the sandbox and nowhere else: nothing of the product imports it.
IN_THE_SANDBOX = {
    ("evaluation/sandbox/programs/runner.py", "calls exec"),
    # The import lane: the one place that opens pickles, with `weights_only`, behind the walls.
    ("evaluation/sandbox/readers/legacy_weights.py", "calls torch.load"),
}


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))


def test_the_gate_sees_the_product():
    assert len(product()) > 80


def test_nothing_that_runs_strangers_code_is_called():
    wrong = [
        f"{path}:{call.lineno} {why}"
        for path in product()
        for call in calls(path)
        if (why := unsafe(call)) and (str(path), why) not in IN_THE_SANDBOX
    ]
    wrong += [
        f"{path}:{node.lineno} imports {name}"
        for path in product()
        for node in ast.walk(parsed(path))
        for name in imported(node)
        if name.split(".")[0] in UNSAFE_MODULES
    ]
    assert not wrong, "\n".join(wrong)


def test_what_runs_programs_is_imported_by_nobody():
    modules = {Path(path).with_suffix("").as_posix().replace("/", ".") for path, _ in IN_THE_SANDBOX}
    found = {name for path in product() for node in ast.walk(parsed(path)) for name in imported(node)}

    assert not found & modules
    assert not {name for name in found if name.startswith("evaluation.sandbox.programs")}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def unsafe(call: ast.Call) -> str:
    """Why this call may run code from outside, or ""."""
    name = ast.unparse(call.func)
    if name in UNSAFE_CALLS:
        return f"calls {name}"
    if name == "yaml.load":
        loader = ast.unparse(call.args[1]) if len(call.args) > 1 else keyword(call, "Loader")
        return "" if loader.endswith((*SAFE_LOADERS, "Loader")) and is_safe(loader) else "calls yaml.load unsafely"
    for argument in call.keywords:
        if argument.arg in UNSAFE_ARGUMENTS and not is_false(argument.value):
            return f"passes {argument.arg}={ast.unparse(argument.value)}"
    return ""


def keyword(call: ast.Call, name: str) -> str:
    return next((ast.unparse(argument.value) for argument in call.keywords if argument.arg == name), "")


def is_safe(loader: str) -> bool:
    """`yaml.SafeLoader`, `CSafeLoader`, or a class of ours that is derived from one."""
    name = loader.rsplit(".", 1)[-1]
    if name in SAFE_LOADERS:
        return True
    bases = [
        ast.unparse(base)
        for path in product()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and node.name == name
        for base in node.bases
    ]
    return bool(bases) and all(base.rsplit(".", 1)[-1] in SAFE_LOADERS for base in bases)


def is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path)",
        "pickle.load(file)",
        "joblib.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "AutoModel.from_pretrained(folder, trust_remote_code=True)",
        "subprocess.run(command, shell=True)",
    ],
)
def test_the_gate_catches(line: str):
    assert unsafe(ast.parse(line, mode="eval").body)


@pytest.mark.parametrize(
    "line",
    [
        "np.load(path, allow_pickle=False)",
        "yaml.load(text, Loader=yaml.CSafeLoader)",
        "yaml.load(text, yaml.SafeLoader)",
        "AutoModel.from_pretrained(folder, trust_remote_code=False)",
        "json.load(file)",
    ],
)
def test_the_gate_lets_through(line: str):
    assert not unsafe(ast.parse(line, mode="eval").body)


def test_no_failure_is_swallowed_in_silence():
    """`contextlib.suppress` names what is expected; an empty handler hides what is not."""
    wrong = [
        f"{path}:{node.lineno}"
        for path in product()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(line, ast.Pass) or is_ellipsis(line) for line in node.body)
    ]
    assert not wrong, "\n".join(wrong)


def is_ellipsis(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and line.value.value is ...


# Put together here, so that this file does not find itself.
LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")


def test_nothing_is_left_for_later():
    code = [path for path in tracked() if path.suffix in {".py", ".html", ".css", ".js", ".md", ".toml", ""}]
    wrong = [
        f"{path}:{number} {line.strip()[:80]}"
        for path in code
        if path.suffix not in BINARY and path.name != "LICENSE"
        for number, line in enumerate(text(path).splitlines(), 1)
        if LATER.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_a_stub():
    """A function whose whole body is `...` or NotImplementedError belongs to a protocol or an abstract class alone."""
    wrong = []
    for path in product():
        abstract = {
            method
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ClassDef) and any(is_abstract(base) for base in node.bases)
            for method in node.body
        }
        wrong += [
            f"{path}:{node.lineno} {node.name}"
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.FunctionDef) and node not in abstract and is_stub(node) and not is_overload(node)
        ]
    assert not wrong, "\n".join(wrong)


def is_abstract(base: ast.expr) -> bool:
    return ast.unparse(base).split("[")[0].rsplit(".", 1)[-1] in {"ABC", "Protocol"}


def is_overload(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)


def is_stub(node: ast.FunctionDef) -> bool:
    body = [line for line in node.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    if not body:
        return any(is_ellipsis(line) for line in node.body)
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])
