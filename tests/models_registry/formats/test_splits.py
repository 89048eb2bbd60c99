"""Splits by the rules of the `datasets` library, held against the library itself on real folders."""

from pathlib import Path

import pytest
from datasets.data_files import DataFilesDict, EmptyDatasetError, get_data_patterns, sanitize_patterns
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats.splits import BadSplits, configs_of

LAYOUTS = {
    "one file": ["data.csv"],
    "two names": ["train.jsonl", "test.jsonl", "README.md"],
    "names with numbers": ["train_0.csv", "train_1.csv", "dev.csv", "eval-2.csv"],
    "names at the end": ["my-train.csv", "my.validation.csv"],
    "folders": ["train/a.parquet", "train/b.parquet", "testing/a.parquet"],
    "folder with a suffix": ["data/train-part/a.csv", "data/val 1/b.csv"],
    "shards": [
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002-ab12.parquet",
        "data/extra-00000-of-00001.parquet",
    ],
    "shards before names": ["data/test-00000-of-00001.parquet", "train.csv"],
    "not a word": ["trainer.csv", "contest.csv"],
    "hidden": [".hidden/train.csv", "train.csv", ".git-like.csv", "__pycache__/test.csv"],
    "ignored": ["config.json", "train.json", "dataset_infos.json"],
    "mixed": ["train.csv", "notes.txt", "more.txt", "sub/train.csv"],
}


def expected(paths: list[str], folder: Path) -> dict[str, list[str]]:
    """What the library finds: files by split."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}")
    patterns = get_data_patterns(str(folder))
    found = DataFilesDict.from_patterns(patterns, base_path=str(folder))
    return {split: [Path(file).relative_to(folder).as_posix() for file in files] for split, files in found.items()}


def ours(paths: list[str], suffixes: set[str] | None = None) -> dict[str, list[str]]:
    configs = configs_of(paths, {})
    return {split.name: sorted(split.files) for config in configs for split in config.splits}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_of_files_and_folders_decide_as_in_the_library(layout, tmp_path):
    theirs = expected(LAYOUTS[layout], tmp_path)
    found = configs_of(LAYOUTS[layout], {})[0]

    assert [split.name for split in found.splits] == list(theirs)
    for split in found.splits:
        kept = {Path(path).suffix for path in split.files}
        assert sorted(split.files) == sorted(path for path in theirs[split.name] if Path(path).suffix in kept)


NAMES = st.sampled_from(
    ["train", "test", "val", "dev", "part", "a-train", "train.1", "testing_2", "evals", "x", "data"]
)
PATHS = st.lists(
    st.tuples(st.lists(NAMES, max_size=2), NAMES).map(lambda each: "/".join([*each[0], each[1] + ".csv"])),
    min_size=1,
    max_size=6,
    unique=True,
)


@settings(max_examples=60, deadline=None)
@given(paths=PATHS)
def test_any_layout_is_read_as_by_the_library(paths, tmp_path_factory):
    theirs = expected(paths, tmp_path_factory.mktemp("layout"))

    # A file that two of its rules name is loaded twice by the library; here it is one file.
    assert ours(paths) == {split: sorted(set(files)) for split, files in theirs.items()}


CARD = {
    "configs": [
        {
            "config_name": "small",
            "data_files": [
                {"split": "train", "path": "small/*.csv"},
                {"split": "test", "path": ["t/1.csv", "t/2.csv"]},
            ],
        },
        {"config_name": "all", "data_files": "**/*.csv", "default": True},
        {"config_name": "named", "data_dir": "t"},
    ]
}
FILES = ["README.md", "small/a.csv", "small/b.csv", "t/1.csv", "t/2.csv", "t/3.txt"]


def test_a_card_names_configurations_splits_and_the_default():
    small, everything, named = configs_of(FILES, CARD)

    assert [(split.name, split.files) for split in small.splits] == [
        ("train", ("small/a.csv", "small/b.csv")),
        ("test", ("t/1.csv", "t/2.csv")),
    ]
    assert everything.is_default
    assert not small.is_default
    assert everything.splits[0].files == ("small/a.csv", "small/b.csv", "t/1.csv", "t/2.csv")
    assert named.splits[0].files == ("t/1.csv", "t/2.csv")


def test_patterns_of_a_card_find_what_the_library_finds(tmp_path):
    expected(FILES, tmp_path)
    for item in CARD["configs"][:2]:
        patterns = sanitize_patterns(item["data_files"])
        theirs = DataFilesDict.from_patterns(patterns, base_path=str(tmp_path))
        found = next(config for config in configs_of(FILES, CARD) if config.name == item["config_name"])
        assert {split.name: len(split.files) for split in found.splits} == {
            split: len(files) for split, files in theirs.items()
        }


@pytest.mark.parametrize(
    "configs",
    [
        "all",
        [{"data_files": "a.csv"}],
        [{"config_name": "a", "data_files": 3}],
        [{"config_name": "a", "data_files": [{"split": "not a name", "path": "a.csv"}]}],
        [{"config_name": "a", "data_files": [{"split": "train"}]}],
        [{"config_name": "a", "data_files": [{"split": "x", "path": "a"}, {"split": "x", "path": "b"}]}],
        [{"config_name": "a"}, {"config_name": "a"}],
        [{"config_name": "a", "data_files": "[z-a].csv"}],
    ],
)
def test_a_list_that_breaks_the_rules_is_refused_with_a_sentence(configs):
    with pytest.raises(BadSplits, match=r".{10,}"):
        configs_of(["a.csv"], {"configs": configs})


def test_nothing_to_show_is_no_configuration(tmp_path):
    assert configs_of([], {}) == ()
    assert configs_of(["README.md", ".gitattributes"], {}) == ()
    with pytest.raises(EmptyDatasetError):
        get_data_patterns(str(tmp_path))


def test_files_of_no_known_format_give_no_table():
    assert configs_of(["a.bin", "b.bin"], {}) == ()
