"""Benchmarks that people declare: `eval.yaml` in a data set's default branch, read with every commit there."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from evaluation.benchmarks import eval_yaml
from evaluation.benchmarks.definition import BadDefinition
from evaluation.exceptions import BenchmarkInvalid
from evaluation.models import Benchmark, Declaration
from evaluation.services.benchmarks import register_benchmark, retire_benchmark
from models_registry.cards import CardFault, read_values
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository, Visibility
from models_registry.services.heads import card_of, read_small_file
from models_registry.types import Listing

_MAX_BYTES = 1024 * 1024
_WITH_NAME = re.compile(r"[^a-z0-9]+")


def note_commit(*, repository: Repository, commit: Commit) -> list[str]:
    """Register what a new head of a data set declares, and retire what it no longer does.

    The commit stands whatever its declaration is worth: a refusal is kept with the data set, and returned as
    sentences for whoever pushed.
    """
    listing = listing_of(commit)
    if eval_yaml.FILE not in listing.files:
        _retire_others(repository, keep=())
        Declaration.objects.filter(repository=repository).delete()
        return []
    try:
        with transaction.atomic():
            found = register_declared(repository=repository, commit=commit)
    except BenchmarkInvalid as error:
        _note(repository, commit, refusal=str(error))
        return [f"{eval_yaml.FILE}: {error}", gettext("The data are stored; no benchmark was changed.")]
    return [gettext("Benchmark %(name)s is registered.") % {"name": row} for row in found]


@transaction.atomic
def register_declared(*, repository: Repository, commit: Commit) -> list[Benchmark]:
    """Register every task of a commit's `eval.yaml` that has our block, all or none.

    Raises:
        BenchmarkInvalid: the file is missing or faulty; the sentence names the field.
    """
    listing = listing_of(commit)
    declared = _read(repository, listing)
    files = {path: (entry.sha256, entry.size) for path, entry in listing.files.items()}
    licence = card_of(repository, commit).licence
    mine = [task for task in declared.tasks if task.block is not None]
    _check_room(repository, len(mine))
    rows = []
    for task in mine:
        key = key_of(repository, task.id)
        try:
            definition = eval_yaml.definition(
                declared,
                task,
                key=key,
                files=files,
                public=repository.visibility == Visibility.PUBLIC,
                licence=licence,
            )
        except (BadDefinition, TypeError, ValueError) as error:
            raise BenchmarkInvalid(key=key, reason=str(error)) from error
        rows.append(
            register_benchmark(
                repository=repository, commit=commit, definition=definition, is_restricted=True, is_declared=True
            )
        )
    _retire_others(repository, keep=[row.key for row in rows])
    _note(repository, commit, refusal="")
    return rows


def key_of(repository: Repository, task: str) -> str:
    """The benchmark's name: that of its data set, and the task's unless it is the only one.

    Names of data sets are unique, so nobody can take, or find out by trying, what another has declared. What the
    plain form would lose is told apart by a hash.
    """
    namespace, _, name = repository.full_name.lower().partition("/")
    parts = [namespace, name] + ([] if task == "default" else [task])
    plain = [_WITH_NAME.sub("-", part.lower()).strip("-") for part in parts]
    key = "--".join(plain)
    if plain == parts and len(key) <= 80:
        return key
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]
    return f"{key[:68].rstrip('-')}--{digest}"


def _read(repository: Repository, listing: Listing) -> eval_yaml.Declared:
    name = repository.full_name
    content = read_small_file(repository, listing, eval_yaml.FILE, limit=_MAX_BYTES)
    if content is None:
        reason = gettext("%(file)s is missing, or too large.") % {"file": eval_yaml.FILE}
        raise BenchmarkInvalid(key=name, reason=reason)
    try:
        value = read_values(content.decode("utf-8", "strict"))
        if not isinstance(value, dict):
            raise BadDefinition("tasks: the file must be a list of “key: value” lines")
        return eval_yaml.read(_with_files(repository, listing, value))
    except (CardFault, BadDefinition, UnicodeDecodeError) as error:
        raise BenchmarkInvalid(key=name, reason=str(error)) from error


def _with_files(repository: Repository, listing: Listing, value: dict[str, Any]) -> dict[str, Any]:
    """Tasks whose block points to a declaration in a JSON file, with that file's content under what the block says."""
    tasks = value.get("tasks")
    if not isinstance(tasks, list):
        return value
    return value | {"tasks": [_with_file(repository, listing, task) for task in tasks]}


def _with_file(repository: Repository, listing: Listing, task: Any) -> Any:
    block = task.get("smallhub") if isinstance(task, Mapping) else None
    if not isinstance(block, Mapping) or "declaration" not in block:
        return task
    path = block["declaration"]
    content = read_small_file(repository, listing, path, limit=_MAX_BYTES) if isinstance(path, str) else None
    try:
        loaded = json.loads(content or b"")
    except ValueError as error:
        raise BadDefinition(f"declaration: {str(path)[:200]} is no JSON file of this commit") from error
    if not isinstance(loaded, dict):
        raise BadDefinition(f"declaration: {str(path)[:200]} holds no object")
    rest = {name: item for name, item in block.items() if name != "declaration"}
    return {**task, "smallhub": {**loaded, **rest}}


def _check_room(repository: Repository, number: int) -> None:
    """Every active benchmark costs machine time on many models, so an owner has so many and no more."""
    most = settings.SMALLHUB_BENCHMARKS_PER_OWNER
    others = Benchmark.objects.active().filter(is_declared=True, repository__namespace=repository.namespace)
    if others.exclude(repository=repository).count() + number > most:
        reason = gettext("An owner may have %(most)d benchmarks at a time; retire one first.") % {"most": most}
        raise BenchmarkInvalid(key=repository.full_name, reason=reason)


def _retire_others(repository: Repository, *, keep: list[str] | tuple[str, ...]) -> None:
    for row in Benchmark.objects.active().filter(repository=repository, is_declared=True).exclude(key__in=keep):
        retire_benchmark(row)


def _note(repository: Repository, commit: Commit, *, refusal: str) -> None:
    Declaration.objects.update_or_create(
        repository=repository,
        defaults={"commit": commit.oid, "refusal": refusal[:2000], "read_at": timezone.now()},
    )
