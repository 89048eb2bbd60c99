"""Who may import whom: between apps one way, inside an app from the doors to the core."""

import ast
import sys
from collections.abc import Callable

import pytest

from tests.architecture.tree import APPS, SERVER, Import, below, files, imports, module_name, modules, parsed, product

# What each part of the house may import besides itself. `hub` wires all; nobody imports it but for `hub.core`.
MAY_IMPORT = {
    "hub.core": set(),
    "accounts": {"hub.core"},
    "models_registry": {"hub.core", "accounts"},
    "evaluation": {"hub.core", "accounts", "models_registry", "smallhub.runtimes"},
    "training": {"hub.core", "accounts", "models_registry", "evaluation", "smallhub.runtimes", "smallhub"},
    "studio": {"hub.core", "accounts", "models_registry", "evaluation", "smallhub.runtimes"},
    "hub": {"hub.core", *APPS},
    "smallhub": {"smallhub.runtimes"},
    "smallhub.runtimes": {"smallhub"},
}
# Another app's doors: whoever needs what is behind one asks the service that the door asks.
DOORS = ("views", "api", "forms", "tasks", "urls", "admin", "management", "templatetags", "pages", "listeners")
# The URL configurations are where doors are hung; `hub.pages` composes pages out of several apps' reads.
WIRING = ("hub.urls", "hub.api_urls", "hub.page_urls")

# No Django here: these parts are tried without a database and read by other programs.
PURE = (
    "accounts.tokens",
    "evaluation.baselines",
    "evaluation.benchmarks",
    "evaluation.budget",
    "evaluation.engine",
    "evaluation.exchange",
    "evaluation.machine",
    "evaluation.metrics",
    "evaluation.noise",
    "evaluation.receipts",
    "evaluation.rerun",
    "evaluation.sandbox",
    "evaluation.scorers",
    "evaluation.statements",
    "evaluation.statistics",
    "evaluation.steps",
    "evaluation.suites",
    "hub.core.rawpath",
    "hub.core.supervisor",
    "hub.settings.env",
    "models_registry.cards",
    "models_registry.formats",
    "models_registry.licence_files",
    "models_registry.lineage",
    "models_registry.paths",
    "models_registry.storage",
    "models_registry.types",
    "smallhub",
)
# The two parts of the store that choose a place by a setting.
IMPURE = ("models_registry.storage.blobs", "models_registry.storage.cache")
SERVER_ONLY = ("django", "rest_framework", "celery", "kombu", "hub", *APPS)

# Slow to load and large in memory: only what has to run a model may name them, and only when it runs one.
HEAVY = ("torch", "transformers", "tokenizers", "safetensors.torch", "sklearn", "onnxruntime")


def part(name: str) -> str:
    """The part of the house that a module belongs to, "" for foreign ones."""
    if below(name, "hub.core.management"):
        return "hub"  # Django looks for commands in apps only, so the hub's own commands live with its core.
    parts = ("hub.core", "smallhub.runtimes", *SERVER, "smallhub")
    return next((known for known in parts if below(name, known)), "")


def every_import(*packages: str) -> list[Import]:
    return [found for path in product() if below(module_name(path), *packages) for found in imports(path)]


def refuse(found: list[Import], is_wrong: Callable[[Import], bool]) -> None:
    wrong = sorted({str(one) for one in found if is_wrong(one)})
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_apps_import_one_way():
    def crosses(one: Import) -> bool:
        here, there = part(one.source), part(one.target)
        return bool(here and there) and here != there and there not in MAY_IMPORT[here]

    found = every_import(*SERVER, "smallhub")
    assert len(found) > 100
    refuse(found, crosses)


def test_nobody_imports_settings_modules():
    refuse(
        every_import(*SERVER, "smallhub"),
        lambda one: below(one.target, "hub.settings") and not below(one.source, "hub.settings"),
    )


def test_no_app_reaches_through_anothers_door():
    def reaches(one: Import) -> bool:
        here, there = part(one.source), part(one.target)
        if here == there or there not in APPS or one.source in WIRING:
            return False
        segments = one.target.split(".")[1:]
        return any(segment in DOORS or segment.startswith("_") for segment in segments) or one.name.startswith("_")

    # The wire's addresses are one list in the specification's order, also where two apps answer.
    wire = ("models_registry.api.wire_urls", "accounts.api.wire")
    found = [one for one in every_import(*SERVER) if (one.source, one.target) != wire]
    refuse(found, reaches)


@pytest.mark.parametrize("package", PURE)
def test_pure_parts_know_no_server(package: str):
    if package not in modules() and not any(below(name, package) for name in modules()):
        pytest.fail(f"{package} does not exist any more; take it off the list.")

    def knows(one: Import) -> bool:
        ours_elsewhere = below(one.target, *SERVER) and not below(one.target, *PURE, *allowed)
        return below(one.target, *SERVER_ONLY[:4]) or (ours_elsewhere and not below(one.source, *IMPURE))

    # Pure parts may share what is pure as well, and the kinds of failure.
    allowed = ("hub.core.exceptions", "models_registry.exceptions") if package != "smallhub" else ()
    found = [one for one in every_import(package) if not below(one.source, *IMPURE)]
    refuse(found, knows)


def test_the_client_stands_alone():
    refuse(every_import("smallhub"), lambda one: below(one.target, *SERVER_ONLY))


def test_pulling_needs_no_heavy_package():
    """Only the runtimes may need more than the client's own two dependencies."""
    allowed = {"httpx", "tqdm", "smallhub"}
    standard = set(sys.stdlib_module_names)
    found = [one for one in every_import("smallhub") if not below(one.source, "smallhub.runtimes")]
    refuse(found, lambda one: one.target.split(".")[0] not in allowed | standard)


def test_heavy_packages_load_only_where_a_model_runs():
    def is_heavy(one: Import) -> bool:
        return below(one.target, *HEAVY)

    def is_wrong(one: Import) -> bool:
        places = ("smallhub.runtimes", "evaluation.sandbox.child", "evaluation.sandbox.readers", "training")
        inside_runtimes = below(one.source, *places)
        return is_heavy(one) and (one.at_load or not inside_runtimes)

    # A runtime's own module may name torch at its top, since only `load` imports that module.
    found = [one for one in every_import(*SERVER, "smallhub") if not below(one.source, "smallhub.runtimes")]
    refuse(found, is_wrong)


# Inside an app. Each row: these modules never import those of the same app.
LOW_TO_HIGH = [
    (("exceptions", "types"), ("models", "querysets", "permissions", "services", "manifests", "facts", *DOORS)),
    (("models", "querysets"), ("permissions", "services", *DOORS)),
    (("permissions",), ("services", *DOORS)),
    (("services",), tuple(door for door in DOORS if door != "tasks")),  # Services and tasks know each other.
    (("forms",), ("views", "api", "urls")),
    (("tasks",), tuple(door for door in DOORS if door != "tasks")),
]


@pytest.mark.parametrize(("low", "high"), LOW_TO_HIGH, ids=lambda names: names[0])
def test_the_core_does_not_know_its_doors(low: tuple[str, ...], high: tuple[str, ...]):
    def climbs(one: Import) -> bool:
        source, target = one.source.split("."), one.target.split(".")
        return len(source) > 1 and len(target) > 1 and source[0] == target[0] and source[1] in low and target[1] in high

    refuse(every_import(*APPS), climbs)


def test_services_know_no_request():
    foreign = ("rest_framework", "django.http", "django.shortcuts", "django.template", "django.urls", "django.views")
    core = ("models", "querysets", "permissions", "services", "exceptions", "types")
    found = [one for one in every_import(*APPS) if one.source.split(".")[1:2] and one.source.split(".")[1] in core]
    refuse(found, lambda one: below(one.target, *foreign))


def test_doors_write_through_services():
    """No view, form, API class or task saves a row or opens a transaction of its own."""
    doors = [
        path
        for path in files(*(f"{app}/" for app in APPS), "hub/pages/")
        if {"views.py", "forms.py", "tasks.py"} & {path.name} or {"api", "pages"} & set(path.parts)
    ]
    writes = {"save", "create", "bulk_create", "update_or_create", "get_or_create", "delete", "bulk_update"}
    wrong = []
    for path in doors:
        wrong += [
            f"{path}:{node.lineno} calls .{node.func.attr}()"
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in writes
            and _on_rows(node.func.value)
        ]
        wrong += [str(one) for one in imports(path) if one.target == "django.db" and one.name == "transaction"]
    assert doors
    assert not wrong, "\n".join(wrong)


def _on_rows(value: ast.expr) -> bool:
    """Is this the receiver of a write to rows: `Thing.objects…`, or a name that holds a row?"""
    written = ast.unparse(value)
    return ".objects" in written or (isinstance(value, ast.Name) and value.id not in {"services", "cache"})
