"""What a LICENSE file says, told from its words alone."""

import pytest
from identify.vendor.licenses import LICENSES

from models_registry.licence_files import has_text, is_licence_file, match_text, text_of
from models_registry.licence_files.matching import MAX_BYTES
from models_registry.licence_files.texts import filled

# The same licences as another project keeps them: other headings, other wrapping, other blanks.
ELSEWHERE = {name: text.replace("[year]", "2024").replace("[fullname]", "Ada Lovelace") for name, text in LICENSES}


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_another_copy_of_a_licence_is_recognised(name):
    found = match_text(ELSEWHERE[name])
    assert (found.licence, found.by) == (name, "text")
    assert found.score > 0.87


@pytest.mark.parametrize("name", ["MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0", "ISC", "LGPL-3.0", "EUPL-1.2"])
def test_other_holders_years_and_layout_change_nothing(name):
    found = match_text("\ufeff" + ELSEWHERE[name].replace("\n", "\r\n   "))
    assert found.licence == name
    assert not found.is_altered


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("MIT", "is hereby granted", "is hereby not granted", "not"),
        ("MIT", "SOFTWARE.", "SOFTWARE.\nIt must never be sold to anybody at all.", "must never be sold"),
        ("Apache-2.0", "limitations under the License.", "limitations.\nNo military use.", "no military use"),
        ("CC-BY-4.0", "Section 1", "You shall not train other models with it.\nSection 1", "shall not train other"),
    ],
)
def test_one_sentence_more_is_found_and_shown(name, old, new, words):
    altered = (text_of(name) or "").replace("\n", " ") if name == "MIT" else text_of(name) or ""
    altered = altered.replace(old, new, 1) if old in altered else altered + "\n" + new

    found = match_text(altered)

    assert found.licence == name
    assert found.is_altered
    assert any(words in passage for passage in found.added)


def test_a_clause_left_out_is_found_and_shown():
    text = text_of("Apache-2.0") or ""
    start = text.index("3. Grant of Patent License")
    stop = text.index("4. Redistribution")

    found = match_text(text[:start] + text[stop:])

    assert found.licence == "Apache-2.0"
    assert any("patent" in passage for passage in found.missing)


def test_two_licences_in_one_file_are_both_named():
    found = match_text(ELSEWHERE["BSD-2-Clause"] + "\n\n" + ELSEWHERE["MIT"])
    assert found.by == "inside"
    assert {found.licence, *found.also} == {"BSD-2-Clause", "MIT"}


@pytest.mark.parametrize(
    ("text", "licence", "by"),
    [
        ("SPDX-License-Identifier: MIT OR Apache-2.0\n", "MIT OR Apache-2.0", "identifier"),
        ("MIT\n", "MIT", "identifier"),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: …", "llama3.1", "title"),
        ("Gemma Terms of Use\n\nLast modified: …", "gemma", "title"),
        ("BigScience RAIL License v1.0\n", "bigscience-bloom-rail-1.0", "title"),
        ("", "", "none"),
        ("All rights reserved. Ask us.", "", "none"),
        ("A story about a harbour and its lamps. " * 200, "", "none"),
    ],
)
def test_what_has_no_text_here_is_told_by_its_name_or_not_at_all(text, licence, by):
    found = match_text(text)
    assert (found.licence, found.by) == (licence, by)


def test_bytes_that_are_no_text_and_files_without_end_are_read_in_bounds():
    assert match_text(b"\xff\x00\xfe" * MAX_BYTES).licence == ""
    assert match_text((text_of("MIT") or "").encode() + b"\n" + b"tide " * MAX_BYTES).is_altered


def test_the_texts_that_matter_for_models_and_data_are_there():
    for name in "mit apache-2.0 gpl-3.0 lgpl-3.0 agpl-3.0 mpl-2.0 cc0-1.0 cc-by-4.0 cc-by-sa-4.0".split():
        assert has_text(name)
    for (
        name
    ) in "cc-by-nc-4.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 odbl odc-by pddl cdla-permissive-2.0 cdla-sharing-1.0".split():
        assert has_text(name)
    assert not has_text("gemma")
    assert text_of("openrail") is None
    assert "GNU GENERAL PUBLIC LICENSE\n" not in (text_of("lgpl-3.0") or "")


@pytest.mark.parametrize("name", ["mit", "bsd-3-clause", "bsd-2-clause", "ncsa"])
def test_holder_and_year_fill_the_blanks_and_the_text_is_still_the_licence(name):
    text = filled(name, holder="Ada  Lovelace", year=2031) or ""

    assert "2031 Ada Lovelace" in text
    assert match_text(text).licence.lower() == name


def test_blanks_in_an_example_of_use_stay_blanks():
    assert "[yyyy] [name of copyright owner]" in (filled("apache-2.0", holder="Ada", year=2031) or "")


@pytest.mark.parametrize(
    "path",
    """LICENSE LICENCE license.md LICENSE.txt COPYING COPYING.LESSER LICENSE-MIT UNLICENSE model/LICENSE
    LICENSES/MIT.txt weights/en/LICENCE.md Licenses LICENSE_APACHE""".split(),
)
def test_names_of_licence_files(path):
    assert is_licence_file(path)


@pytest.mark.parametrize(
    "path", "license.py licensed.txt README.md a/b/c/d/e/LICENSE LICENSES/notes.md license_check.json mylicense".split()
)
def test_names_of_other_files(path):
    assert not is_licence_file(path)
