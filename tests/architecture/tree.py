"""The source tree as the tests of this folder read it: files, modules and what they import."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("accounts", "models_registry", "evaluation", "training", "studio")
SERVER = ("hub", *APPS)
CLIENT = "client/src/smallhub"
# A suffix that no rule about text applies to.
BINARY = {".png", ".jpg", ".ico", ".woff2", ".mo", ".gz", ".wav"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that Git has or would take, relative to the root; generated and ignored files are not ours."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    paths = {Path(name) for name in listed.split("\0") if name}
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def files(*folders: str, suffix: str = ".py") -> list[Path]:
    """Files below these folders with this suffix."""
    return [path for path in tracked() if path.suffix == suffix and path.as_posix().startswith(folders)]


def product() -> list[Path]:
    """All Python that ships: the server, the client and the scripts, without tests and migrations."""
    found = files(*(f"{name}/" for name in SERVER), f"{CLIENT}/")
    found += [path for path in tracked() if path.parts[0] == "scripts" and is_python(path)]
    return [path for path in found if "migrations" not in path.parts] + [Path("manage.py")]


def is_python(path: Path) -> bool:
    if path.suffix:
        return path.suffix == ".py"
    with (ROOT / path).open(errors="replace") as file:
        return "python" in file.readline()


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def module_name(path: Path) -> str:
    """`models_registry/services/commits.py` → `models_registry.services.commits`; the client starts at `smallhub`."""
    parts = list(path.with_suffix("").parts)
    if parts[:2] == ["client", "src"]:
        parts = parts[2:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Our own modules by name."""
    ours = files(*(f"{name}/" for name in SERVER), f"{CLIENT}/")
    return {module_name(path): path for path in ours}


@dataclass(frozen=True)
class Import:
    """One import statement's one target.

    Attributes:
        target: the deepest of our modules it names, or the foreign module as written.
        name: what was taken from it ("" for `import x`).
        at_load: runs when the module is loaded, not inside a function or for the type checker alone.
    """

    source: str
    target: str
    name: str
    line: int
    at_load: bool

    def __str__(self) -> str:
        path = modules().get(self.source, Path(self.source))
        return f"{path}:{self.line} imports {self.target}" + (f" ({self.name})" if self.name else "")


@cache
def imports(path: Path) -> tuple[Import, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[Import]:
    source = module_name(path)
    lazy = _lazy_nodes(parsed(path))
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(source, alias.name, "", node.lineno, node not in lazy)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, path)
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                target, name = (deeper, "") if deeper in modules() else (base, alias.name)
                yield Import(source, target, name, node.lineno, node not in lazy)


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _lazy_nodes(tree: ast.Module) -> set[ast.AST]:
    """Import statements inside functions, or below `if TYPE_CHECKING`."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        type_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if type_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom))
    return found


def below(name: str, *packages: str) -> bool:
    """Is this module one of these packages, or inside one?"""
    return any(name == package or name.startswith(f"{package}.") for package in packages)
