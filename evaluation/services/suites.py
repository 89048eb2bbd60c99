"""The suite that the product ships: its folders become data sets and benchmarks of this hub."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts.models import User
from evaluation.benchmarks.definition import BadDefinition, variants
from evaluation.models import Benchmark
from evaluation.services.benchmarks import DEFINITION_FILE, register_benchmark
from evaluation.services.datasets import Published, files_of, publish_dataset, publisher
from models_registry.models import Visibility

CORE_SUITE = Path(__file__).resolve().parent.parent / "suites" / "core"


@dataclass(frozen=True)
class SetReport:
    """What publishing one set did: the benchmark, and whether data or declaration were new."""

    benchmark: Benchmark
    data_changed: bool
    version_changed: bool


def publish_core_suite(*, folder: Path = CORE_SUITE) -> list[SetReport]:
    """Publish every set of the suite as `smallhub/<set>` and make its benchmark active. Doing it again is harmless.

    Raises:
        BenchmarkInvalid: a set's declaration and its data do not agree.
    """
    user = publisher()
    folders = [entry for entry in sorted(folder.iterdir()) if (entry / DEFINITION_FILE).is_file()]
    return [report for entry in folders for report in _publish_set(user, entry)]


def variants_of(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """A declaration and what else its data can measure, see `definition.variants`."""
    try:
        return variants(definition)
    except BadDefinition:
        return [definition]  # Registering says what is wrong with it.


def _publish_set(user: User, folder: Path) -> list[SetReport]:
    definition = json.loads((folder / DEFINITION_FILE).read_text(encoding="utf-8"))
    published = publish_dataset(
        user=user,
        name=folder.name,
        files=files_of(folder),
        visibility=Visibility.PUBLIC,
        title=f"Publish {definition['title']}",
    )
    return [_register(published, variant) for variant in variants_of(definition)]


def _register(published: Published, definition: dict[str, Any]) -> SetReport:
    before = Benchmark.objects.active().filter(key=definition["id"]).values_list("pk", flat=True).first()
    benchmark = register_benchmark(repository=published.repository, commit=published.commit, definition=definition)
    return SetReport(benchmark, data_changed=published.changed, version_changed=benchmark.pk != before)
