"""Licences of single files, by patterns in the card and in REUSE.toml."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.licence_files import read_mapping, read_reuse, spdx_line

CARD = {
    "*.safetensors": "cc-by-nc-4.0",
    "data/**": "ODbL-1.0",
    "data/*.csv": ["cc0-1.0", "mit OR isc"],
    "/LICENSE": "mit",
}


@pytest.mark.parametrize(
    ("path", "licence"),
    [
        ("model.safetensors", "cc-by-nc-4.0"),
        ("deep/er/model.safetensors", "cc-by-nc-4.0"),
        ("data/a/b.json", "ODbL-1.0"),
        ("data/a.csv", "cc0-1.0 AND (mit OR isc)"),
        ("data/a/b.csv", "ODbL-1.0"),
        ("LICENSE", "mit"),
        ("a/LICENSE", None),
        ("config.json", None),
    ],
)
def test_the_last_pattern_that_matches_counts(path, licence):
    rule = read_mapping(CARD).of(path)
    assert (rule.licence if rule else None) == licence


def test_what_is_no_mapping_is_said_and_never_raised():
    assert read_mapping(None).faults == ()
    assert read_mapping(["mit"]).faults
    found = read_mapping({"a": 7, "../b": "mit", "c": "mit", "": "mit", "x" * 999: "mit"})
    assert [rule.pattern for rule in found.rules] == ["**/c"]
    assert len(found.faults) == 4
    assert len(read_mapping({f"f{n}": "mit" for n in range(500)}).rules) == 64


REUSE_TOML = b"""version = 1
[[annotations]]
path = ["weights/**", "model.bin"]
SPDX-FileCopyrightText = ["2024 Ada", "2025 Grace"]
SPDX-License-Identifier = "Apache-2.0"
[[annotations]]
path = "weights/private/*"
SPDX-License-Identifier = "LicenseRef-Mine"
"""


def test_reuse_speaks_of_its_own_folder():
    found = read_reuse(REUSE_TOML, path="sub/REUSE.toml")
    rule = found.of("sub/weights/a/b.bin")

    assert rule is not None
    assert (rule.licence, rule.holder, rule.source, rule.where) == (
        "Apache-2.0",
        "2024 Ada; 2025 Grace",
        "reuse",
        "sub/REUSE.toml",
    )
    assert found.of("weights/a.bin") is None
    assert found.of("sub/deep/model.bin") is None
    private = found.of("sub/weights/private/x")
    assert private is not None
    assert private.licence == "LicenseRef-Mine"


@pytest.mark.parametrize(
    "raw", [b"\xff", b"annotations = 3", b"[[annotations]]\npath = 3", b"[" * 70_000, b"a = " + b"[" * 9000]
)
def test_a_reuse_file_of_any_bytes_is_read_or_said_to_be_faulty(raw):
    assert read_reuse(raw, path="REUSE.toml").rules == ()


def test_a_line_in_a_file_names_its_licence():
    assert spdx_line(b"/* SPDX-License-Identifier: MIT */\nint a;") == "MIT"
    assert spdx_line(b"<!-- SPDX-License-Identifier: CC-BY-4.0 -->") == "CC-BY-4.0"
    assert spdx_line(b"nothing \x00 here") == ""


_names = st.text("ab*./", min_size=1, max_size=12)


@given(_names, _names)
def test_a_pattern_without_stars_matches_itself_alone(pattern, path):
    rules = read_mapping({"x/" + pattern.replace("*", "a").replace("/", "b"): "mit"})
    plain = "x/" + pattern.replace("*", "a").replace("/", "b")
    assert (rules.of("x/" + path) is not None) == ("x/" + path == plain and ".." not in plain.split("/"))


def test_a_hostile_pattern_costs_little():
    rules = read_mapping({"a/" + "**/" * 60 + "b": "mit", "*a" * 140 + "b": "mit"})
    path = "/".join(["a"] * 400)
    assert rules.of(path + "/" + "a" * 250) is None
