import pytest

from models_registry.labels import PICKS
from models_registry.licences import CLASSES, licence_class
from models_registry.licences.panels import open_spellings


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("MIT", "permissive"),
        ("apache-2.0", "permissive"),
        ("GPL-3.0-or-later", "copyleft"),
        ("LGPL-2.1-only", "copyleft"),
        ("cc-by-nc-sa-4.0", "non-commercial"),
        ("openrail", "restricted"),
        ("cc-by-nd-4.0", "restricted"),
        ("llama3.1", "restricted"),
        ("MIT OR GPL-3.0-only", "permissive"),
        ("MIT AND GPL-3.0-only", "copyleft"),
        ("mit, cc-by-nc-4.0", "non-commercial"),
        ("MIT AND LicenseRef-mine", "unknown"),
        ("MIT OR LicenseRef-mine", "permissive"),
        ("other", "unknown"),
        ("my own terms", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_licence_belongs_to_one_class(licence: str, kind: str) -> None:
    assert licence_class(licence) == kind
    assert kind in CLASSES


def test_what_the_catalogue_calls_open_is_no_non_commercial_licence() -> None:
    for name in PICKS:
        kind = licence_class(name)
        assert kind != "unknown", name
        assert (name in open_spellings()) == (kind != "non-commercial"), name
