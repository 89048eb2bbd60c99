"""Parts: cards are filled in whole, and files of a package are the reviewed ones or none."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from models_registry.cards import read_card
from tests.training.corpus import prose, written
from training.exceptions import PackageAbsent, PackageChanged
from training.recipes import record
from training.recipes.data import Outcome, PinnedFile, Source
from training.starter.catalogue import CATALOGUE, MINILM
from training.starter.parts import CARDS, PackagedPart, TrainedPart, filled, prefaced

FIGURES = {"held_out_bits_per_byte": 2.0468, "held_out_accuracy": 0.7823, "held_out_texts": 124.0}
PACKAGE_CARD = "---\nlicense: mit\n---\n\n# A model\n\nText.\n"


def no_data(source: Source) -> PinnedFile:
    raise AssertionError(source)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedPart:
    """A package whose import would fail, with a model of two files inside."""
    root = tmp_path / "site" / "reviewed_model"
    (root / "model").mkdir(parents=True)
    (root / "__init__.py").write_text("raise SystemExit('the code of a model package has run')\n")
    (root / "model" / "README.md").write_text(PACKAGE_CARD)
    (root / "model" / "weights").write_bytes(b"\x00\x01")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return PackagedPart(
        name="reviewed",
        package="reviewed-model",
        version="1.0",
        module="reviewed_model",
        files={
            name: hashlib.sha256((root / "model" / name).read_bytes()).hexdigest() for name in ("README.md", "weights")
        },
        preface="> A copy.",
    )


@pytest.mark.parametrize(
    "part", [part for part in CATALOGUE if isinstance(part, TrainedPart)], ids=lambda part: part.name
)
def test_the_card_of_a_trained_part_is_complete_and_reads_as_a_card(part: TrainedPart, tmp_path: Path) -> None:
    (tmp_path / record.WEIGHTS_FILE).write_bytes(b"\x00" * 2_000)
    text = filled((CARDS / f"{part.name}.md").read_text(encoding="utf-8"), Outcome(41.2, 330_435, FIGURES), tmp_path)

    card = read_card(text)

    assert "$" not in text
    assert "330,435" in text
    assert card.licence == "apache-2.0"
    assert card.task in {"text-generation", "text-classification"}
    assert card.languages == [part.name[-2:]]
    assert card.data["datasets"] == [source.repository for source in part.recipe.sources]
    assert card.summary


def test_a_package_is_copied_file_by_file_without_running_its_code(package: PackagedPart, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()

    package.build(folder, no_data, say=str)

    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "recipe.json", "weights"]
    assert (folder / "weights").read_bytes() == b"\x00\x01"
    assert (folder / "README.md").read_text() == "---\nlicense: mit\n---\n\n> A copy.\n\n# A model\n\nText.\n"
    assert json.loads((folder / "recipe.json").read_text())["fingerprint"] == package.fingerprint(no_data)
    assert "reviewed_model" not in sys.modules


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_package_with_another_file_is_refused(package: PackagedPart, tmp_path: Path, damage: str) -> None:
    weights = tmp_path / "site" / "reviewed_model" / "model" / "weights"
    weights.write_bytes(b"\x00\x02") if damage == "changed" else weights.unlink()
    (tmp_path / "built").mkdir()

    with pytest.raises(PackageChanged) as caught:
        package.build(tmp_path / "built", no_data, say=str)

    assert caught.value.details["path"] == "weights"


def test_a_package_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    part = PackagedPart("x", "no-such-package", "1", "no_such_package_anywhere", {}, "")

    with pytest.raises(PackageAbsent, match="no-such-package"):
        part.build(tmp_path, no_data, say=str)


def test_the_card_that_comes_with_the_encoder_keeps_its_front_matter() -> None:
    text = prefaced(PACKAGE_CARD, MINILM.preface)

    assert read_card(text).data == read_card(PACKAGE_CARD).data
    assert read_card(text).body.lstrip().startswith("> **A copy, not our work.**")


def test_equal_data_give_an_equal_fingerprint_whatever_the_commit(tmp_path: Path) -> None:
    file = written(tmp_path, prose())
    part = next(part for part in CATALOGUE if isinstance(part, TrainedPart))

    assert part.fingerprint(lambda source: file) == part.fingerprint(lambda source: file)
    assert part.fingerprint(lambda source: file) != part.fingerprint(lambda source: written(tmp_path, prose(3)))
