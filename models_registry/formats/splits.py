"""Which files of a data set make which split, by the rules that the `datasets` library loads by. Pure.

A card may list configurations with their data files; without a list, names of files and folders decide. The rules are
those documented for that library; the tests hold them against the library itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

DEFAULT_CONFIG = "default"
_DEFAULT_SPLITS = ("train", "validation", "test")
_KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SEPARATORS = "-._ 0-9"
_IN_FOLDER = ("**/{k}/**", "**/{k}[{s}]*/**", "**/*[{s}]{k}/**", "**/*[{s}]{k}[{s}]*/**")
_IN_NAME = ("**/{k}[{s}]*", "**/*[{s}]{k}[{s}]*")
_SHARD = re.compile(r"(?P<split>.*)-[0-9]{5}-of-[0-9]{5}.*\..*")
_SPLIT_NAME = re.compile(r"\w+(\.\w+)*")
_IGNORED = frozenset(
    {"README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"}
)
_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".txt": "text",
}
# Of equally many files of several kinds, the library prefers the later ones here.
_PREFERRED = (".csv", ".json", ".jsonl", ".parquet")
_MOST_PATTERNS = 200


class BadSplits(ValueError):
    """The card's list of configurations breaks its rules; the text says how."""


@dataclass(frozen=True)
class Split:
    """One split: its files in order, all of one format (csv, json, parquet or text)."""

    name: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Config:
    """One configuration (subset). `format` is empty when no file of it can be shown as a table."""

    name: str
    splits: tuple[Split, ...]
    format: str = ""
    is_default: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def split(self, name: str) -> Split | None:
        return next((split for split in self.splits if split.name == name), None)


def configs_of(paths: Iterable[str], card: Mapping[str, Any]) -> tuple[Config, ...]:
    """The configurations of a data set, in the card's order; splits without a file are left out.

    Args:
        paths: every file of the commit.
        card: the card's front matter.

    Raises:
        BadSplits: the card's `configs` cannot be understood.
    """
    known = sorted(paths)
    declared = card.get("configs")
    if not declared:
        return _found(known)
    if not isinstance(declared, list) or not all(isinstance(item, dict) for item in declared):
        raise BadSplits("“configs” must be a list of entries.")
    found = [_declared(known, item) for item in declared]
    names = [config.name for config in found]
    if len(set(names)) != len(names):
        raise BadSplits("Two entries of “configs” have the same “config_name”.")
    return _with_default(found, declared)


def _found(paths: Sequence[str]) -> tuple[Config, ...]:
    """Without a declaration: one configuration by names, or none when there is nothing to show."""
    config = _config(DEFAULT_CONFIG, paths, _patterns(paths), {})
    return (replace(config, is_default=True),) if config.splits else ()


def _with_default(configs: list[Config], declared: Sequence[Mapping[str, Any]]) -> tuple[Config, ...]:
    """Mark the one that is loaded when nothing is asked for: marked, named “default”, or the only one."""
    marked = [item.get("default") is True for item in declared]
    if not any(marked):
        marked = [config.name == DEFAULT_CONFIG for config in configs]
    if not any(marked) and len(configs) == 1:
        marked = [True]
    return tuple(replace(config, is_default=is_default) for config, is_default in zip(configs, marked, strict=True))


def _declared(paths: Sequence[str], item: Mapping[str, Any]) -> Config:
    name = item.get("config_name")
    if not isinstance(name, str) or not name:
        raise BadSplits("Each entry of “configs” needs a “config_name”.")
    folder = item.get("data_dir")
    prefix = folder.strip("/").removeprefix("./") + "/" if isinstance(folder, str) and folder.strip("./") else ""
    inside = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    files = item.get("data_files")
    found = _config(name, inside, _patterns(inside) if files is None else _declared_patterns(files), item)
    splits = tuple(Split(each.name, tuple(prefix + path for path in each.files)) for each in found.splits)
    return replace(found, splits=splits)


def _declared_patterns(files: Any) -> dict[str, list[str]]:
    """The three spellings of `data_files`: one pattern, a list of patterns, a list of splits with paths."""
    if isinstance(files, str):
        return {"train": [files]}
    if not isinstance(files, list) or len(files) > _MOST_PATTERNS:
        raise BadSplits("“data_files” must be a pattern, a list of patterns, or a list of splits with paths.")
    if all(isinstance(item, str) for item in files):
        return {"train": files}
    found: dict[str, list[str]] = {}
    for item in files:
        split, path = (item.get("split"), item.get("path")) if isinstance(item, dict) else (None, None)
        listed = [path] if isinstance(path, str) else path
        if not isinstance(split, str) or not _SPLIT_NAME.fullmatch(split):
            raise BadSplits("Each entry of “data_files” needs a “split” of letters, digits, “_” and “.”.")
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise BadSplits(f"The split “{split}” needs a “path”: a pattern or a list of patterns.")
        if split in found:
            raise BadSplits(f"The split “{split}” is listed twice.")
        found[split] = listed
    return found


def _patterns(paths: Sequence[str]) -> dict[str, list[str]]:
    """The first set of rules that finds anything: shards, logs, folder names, file names, everything."""
    shards = {match["split"] for match in map(_SHARD.fullmatch, _shard_names(paths)) if match}
    if shards:
        ordered = [split for split in _DEFAULT_SPLITS if split in shards]
        ordered += sorted(shards.difference(_DEFAULT_SPLITS))
        shape = "[0-9]" * 5
        return {split: [f"data/{split}-{shape}-of-{shape}*.*"] for split in ordered if _SPLIT_NAME.match(split)}
    for rules in (_IN_FOLDER, _IN_NAME):
        by_split = {
            split: [rule.format(k=keyword, s=_SEPARATORS) for keyword in keywords for rule in rules]
            for split, keywords in _KEYWORDS.items()
        }
        found = {split: patterns for split, patterns in by_split.items() if _matching(paths, patterns)}
        if found:
            return found
    return {"train": ["**"]}


def _shard_names(paths: Sequence[str]) -> list[str]:
    return [path.removeprefix("data/") for path in paths if path.startswith("data/") and path.count("/") == 1]


def _config(name: str, paths: Sequence[str], patterns: Mapping[str, list[str]], item: Mapping[str, Any]) -> Config:
    """Resolve the patterns, find the format that most files have, and keep the files of that format."""
    matched = {split: _matching(paths, wanted) for split, wanted in patterns.items()}
    suffix = _common_suffix(next((files for files in matched.values() if files), []))
    found = _FORMATS.get(suffix, "")
    suffixes = {known for known, kind in _FORMATS.items() if kind == found}
    splits = [
        Split(split, tuple(path for path in files if PurePosixPath(path).suffix in suffixes))
        for split, files in matched.items()
    ]
    options = {key: item[key] for key in ("sep", "delimiter", "column_names", "header", "field") if key in item}
    if suffix == ".tsv":
        options = {"sep": "\t"} | options
    return Config(name, tuple(split for split in splits if split.files), found, options=options)


def _common_suffix(paths: Sequence[str]) -> str:
    counts = Counter(PurePosixPath(path).suffix for path in paths)
    ranked = sorted(
        counts, key=lambda suffix: (counts[suffix], *(suffix == each for each in reversed(_PREFERRED)), suffix)
    )
    return next((suffix for suffix in reversed(ranked) if suffix in _FORMATS), "")


def _matching(paths: Sequence[str], patterns: Iterable[str]) -> list[str]:
    """The files that any of the patterns names, each once, in the order of the patterns."""
    found: dict[str, None] = {}
    for pattern in patterns:
        cleaned = pattern.removeprefix("./")
        rule = _regex(cleaned)
        for path in paths:
            if rule.fullmatch(path) and _is_wanted(path, cleaned):
                found.setdefault(path)
    return list(found)


def _is_wanted(path: str, pattern: str) -> bool:
    """Cards, hidden files and folders with two underscores are data only when the pattern names them."""
    parts, named = PurePosixPath(path).parts, PurePosixPath(pattern).parts
    if parts[-1] in _IGNORED and parts[-1] != PurePosixPath(pattern).name:
        return False
    hidden = sum(part.startswith(".") for part in parts) != sum(part.startswith(".") for part in named)
    special = sum(part.startswith("__") for part in parts[:-1]) != sum(part.startswith("__") for part in named[:-1])
    return not hidden and not special


@lru_cache(maxsize=512)
def _regex(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` stays in its folder, `**` does not, `**/` may be nothing."""
    out, at = "", 0
    while at < len(pattern):
        rest = pattern[at:]
        if rest.startswith("**/"):
            out, at = out + "(?:[^/]+/)*", at + 3
        elif rest.startswith("**"):
            out, at = out + ".*", at + 2
        elif rest[0] == "*":
            out, at = out + "[^/]*", at + 1
        elif rest[0] == "?":
            out, at = out + "[^/]", at + 1
        elif rest[0] == "[" and (end := rest.find("]", 2)) > 0:
            inside = rest[1:end].replace("\\", r"\\").replace("[", r"\[")
            inside = "^" + inside[1:] if inside[0] in "!^" else inside
            out, at = out + f"[{inside}]", at + end + 1
        else:
            out, at = out + re.escape(rest[0]), at + 1
    try:
        return re.compile(out)
    except re.error as error:
        raise BadSplits(f"The pattern “{pattern[:80]}” cannot be read.") from error
