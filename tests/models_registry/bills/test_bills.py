"""Bills of materials, held against the schemas that the standards' own packages carry."""

import json
from datetime import UTC, datetime

import pytest
import spdx_python_model
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from models_registry.bills import cyclonedx, spdx
from models_registry.bills.subjects import Bill, File, Item, Measured, Origin, spdx_expression

HUB = "https://hub.example"
COMMIT = "a" * 40


def item(key="model:ada/tiny", kind="model", licence="mit", **changes) -> Item:
    options = {"name": key.partition(":")[2], "commit": COMMIT, "where": f"{HUB}/{key.partition(':')[2]}"}
    return Item(key, kind, licence=licence, **(options | changes))


def bill(**changes) -> Bill:
    subject = item(
        version="v1.0.0",
        task="text-generation",
        architecture="GPT2LMHeadModel",
        languages=("en", "de"),
        parameters=1000,
        author="ada",
        released_at=datetime(2026, 1, 1, tzinfo=UTC),
        summary="A tiny one.",
        files=(File("model.safetensors", 10, "b" * 64, is_weights=True), File("a b/ü.txt", 0, "c" * 64)),
    )
    parts = (
        item("model:ada/base", licence="gemma", author="ada", released_at=datetime(2025, 1, 1, tzinfo=UTC)),
        item(
            "dataset:ada/words", "dataset", "cc-by-sa-4.0", author="ada", released_at=datetime(2025, 2, 1, tzinfo=UTC)
        ),
        item("dataset:bob/far", "dataset", "cc0-1.0", commit="", where=""),
        item("hidden:1", "model", "", name="not shown", commit="", where=""),
    )
    origins = (
        Origin("model:ada/tiny", "model:ada/base", "finetune", "verified"),
        Origin("model:ada/tiny", "dataset:ada/words", "trained_on", "declared"),
        Origin("model:ada/base", "hidden:1", "unknown", "declared"),
    )
    measured = (
        Measured("core-text-en", "bits_per_byte", 1.5, "bits", 1.4, 1.6, receipt=f"{HUB}/api/v1/receipts/{'d' * 64}"),
        Measured("grammar", "accuracy", 0.1 + 0.2),
    )
    made = {"subject": subject, "parts": parts, "origins": origins, "measured": measured} | changes
    return Bill(made_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), hub=HUB, hub_version="1.0", **made)


VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def check_cyclonedx(document: dict) -> None:
    assert VALIDATOR.validate_str(json.dumps(document)) is None


def check_spdx(document: dict):
    """Read by the model made from the standard's shapes, and written again: unknown words and missing ones fail."""
    model, objects = spdx_python_model.load_data(json.loads(json.dumps(document)))
    model.JSONLDSerializer().serialize_data(objects)
    check_profiles(model, objects)
    assert {each for each in objects.missing_ids if "NoAssertion" not in each} == set()
    return model, objects


# What the profiles ask of each package beside what its class does; the standard's model does not check it.
ASKED = {
    "ai_AIPackage": (
        "suppliedBy releaseTime software_downloadLocation software_packageVersion software_primaryPurpose".split()
    ),
    "dataset_DatasetPackage": [
        *("builtTime", "originatedBy", "releaseTime", "software_downloadLocation"),
        *("software_primaryPurpose", "dataset_datasetType"),
    ],
}


def check_profiles(model, objects) -> None:
    """Each package has what its profile asks for, one licence declared, one concluded; no profile is claimed idly."""
    (root,) = objects.foreach_type(model.SpdxDocument)
    claimed = {str(each).rpartition("/")[2] for each in root.profileConformance}
    licences = [
        (relation.from_.get_id() if hasattr(relation.from_, "get_id") else relation.from_, word)
        for relation in objects.foreach_type(model.Relationship)
        if (word := str(relation.relationshipType).rpartition("/")[2]) in {"hasDeclaredLicense", "hasConcludedLicense"}
    ]
    for kind, fields in ASKED.items():
        packages = list(objects.foreach_type(getattr(model, kind)))
        assert (kind.partition("_")[0] in claimed) == bool(packages)
        for package in packages:
            missing = [field for field in fields if not getattr(package, field)]
            assert missing == [], package.name
            for word in ("hasDeclaredLicense", "hasConcludedLicense"):
                assert licences.count((package.get_id(), word)) == 1
    for package in objects.foreach_type(model.dataset_DatasetPackage):
        assert len(package.originatedBy) == 1


def test_what_a_profile_asks_and_nobody_knows_makes_a_plain_package():
    document = spdx.write(bill())
    model, objects = check_spdx(document)
    kinds = {
        each.name: each.get_compact_type() or each.get_type() for each in objects.foreach_type(model.software_Package)
    }
    assert {name: kind.rpartition("_")[2].rpartition("/")[2] for name, kind in kinds.items()} == {
        "ada/tiny": "AIPackage",
        "ada/base": "AIPackage",
        "ada/words": "DatasetPackage",
        "bob/far": "Package",
        "not shown": "Package",
    }


def test_a_bill_of_what_is_not_known_claims_no_profile_of_ai():
    found = bill(subject=item(where="", commit=""), parts=(), origins=(), measured=())
    _, objects = check_spdx(spdx.write(found))
    assert objects


def test_a_model_in_cyclonedx():
    document = cyclonedx.write(bill())

    check_cyclonedx(document)
    subject = document["metadata"]["component"]
    assert (subject["type"], subject["group"], subject["name"], subject["version"]) == (
        "machine-learning-model",
        "ada",
        "tiny",
        "v1.0.0",
    )
    assert subject["licenses"][0]["license"]["id"] == "MIT"
    metrics = subject["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0] == {
        "type": "bits_per_byte (bits)",
        "value": "1.5",
        "slice": "core-text-en",
        "confidenceInterval": {"lowerBound": "1.4", "upperBound": "1.6"},
    }
    assert subject["modelCard"]["properties"][0]["value"].endswith("d" * 64)
    assert subject["modelCard"]["modelParameters"]["datasets"] == [{"ref": "dataset:ada/words"}]
    hashes = {row["name"]: row["hashes"][0]["content"] for row in document["components"] if row["type"] == "file"}
    assert hashes["model.safetensors"] == "b" * 64
    assert {"ref": "model:ada/base", "dependsOn": ["hidden:1"]} in document["dependencies"]
    gemma = next(row for row in document["components"] if row["bom-ref"] == "model:ada/base")
    assert gemma["licenses"][0]["license"]["name"] == "gemma"
    assert gemma["licenses"][0]["license"]["url"].startswith("https://")


def test_a_model_in_spdx():
    document = spdx.write(bill())

    model, objects = check_spdx(document)
    (package,) = [each for each in objects.foreach_type(model.ai_AIPackage) if each.name == "ada/tiny"]
    assert package.software_packageVersion == "v1.0.0"
    assert next((each.key, each.value) for each in package.ai_metric) == (
        "core-text-en bits_per_byte",
        "1.5 bits [1.4, 1.6]",
    )
    assert {each.name for each in objects.foreach_type(model.dataset_DatasetPackage)} == {"ada/words"}
    relations = {str(each.relationshipType).rpartition("/")[2] for each in objects.foreach_type(model.Relationship)}
    assert relations == {
        "contains",
        "descendantOf",
        "trainedOn",
        "dependsOn",
        "hasDeclaredLicense",
        "hasConcludedLicense",
    }
    files = {each.name: each.verifiedUsing[0].hashValue for each in objects.foreach_type(model.software_File)}
    assert files == {"model.safetensors": "b" * 64, "a b/ü.txt": "c" * 64}
    (root,) = objects.foreach_type(model.SpdxDocument)
    profiles = {str(each).rpartition("/")[2] for each in root.profileConformance}
    assert {"ai", "dataset"} <= profiles


def test_a_data_set_has_no_card_and_no_profile_of_ai():
    files = (File("a.csv", 7, "e" * 64), File("b.csv", 8, "f" * 64))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    subject = item("dataset:ada/words", "dataset", "cc-by-4.0", author="ada", released_at=at, files=files)
    found = bill(subject=subject, parts=(), origins=(), measured=())

    document = cyclonedx.write(found)
    check_cyclonedx(document)
    assert "modelCard" not in document["metadata"]["component"]
    assert document["metadata"]["component"]["type"] == "data"
    model, objects = check_spdx(spdx.write(found))
    (package,) = objects.foreach_type(model.dataset_DatasetPackage)
    assert package.dataset_datasetSize == 15


def test_the_same_version_has_the_same_serial_number_and_another_one_another():
    first, again = bill(), bill(measured=())
    other = bill(subject=item(commit="b" * 40))

    assert first.serial == again.serial != other.serial


@pytest.mark.parametrize(
    ("licence", "expression"),
    [
        ("mit", "MIT"),
        ("", ""),
        ("gemma", "LicenseRef-gemma"),
        ("apache-2.0 or (mit and gemma)", "Apache-2.0 OR (MIT AND LicenseRef-gemma)"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("my own ((", "LicenseRef-my-own"),
        ("LicenseRef-ours", "LicenseRef-ours"),
    ],
)
def test_licences_as_spdx_writes_them(licence, expression):
    assert spdx_expression(licence) == expression


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LICENCE = st.one_of(
    st.sampled_from(
        ["", "mit", "gemma", "mit OR gpl-3.0", "cc-by-4.0, mit", "other", "MIT WITH x", "((", "openrail++"]
    ),
    TEXT,
)


@given(licence=LICENCE, summary=TEXT, path=TEXT.filter(bool), value=st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_strangers_typed_the_bill_is_valid(licence, summary, path, value):
    subject = item(licence=licence, summary=summary, files=(File(path, 1, "e" * 64),))
    found = bill(subject=subject, measured=(Measured("b", "m", value),))

    check_cyclonedx(cyclonedx.write(found))
    check_spdx(spdx.write(found))
