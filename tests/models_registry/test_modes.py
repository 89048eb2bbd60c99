import pytest

from models_registry.modes import TEXT_LIMIT, UploadRules, is_text
from models_registry.services.repositories import GIT_ATTRIBUTES

RULES = UploadRules(attributes=GIT_ATTRIBUTES, ignore=b"*.tmp\nbuild/\n")


@pytest.mark.parametrize(
    ("path", "size", "sample", "large"),
    [
        ("README.md", 100, b"# hi", False),
        ("model.safetensors", 100, b"text", True),
        ("a/data.parquet", 10, b"PAR1", True),
        ("saved_model/x/y", 10, b"text", True),
        ("notes.txt", TEXT_LIMIT, b"x", False),
        ("notes.txt", TEXT_LIMIT + 1, b"x", True),
        ("photo", 10, b"\x89PNG\x00", True),
        ("empty.bin", 0, b"", False),
        ("zh.txt", 10, "你好".encode()[:-1], False),
    ],
)
def test_text_up_to_a_mebibyte_is_small_and_the_rest_is_large(path: str, size: int, sample: bytes, large: bool) -> None:
    assert RULES.is_large(path, size=size, sample=sample) is large


def test_ignored_files_follow_gitignore() -> None:
    assert RULES.is_ignored("a/b.tmp")
    assert RULES.is_ignored("build/x")
    assert not RULES.is_ignored("b.txt")


def test_a_pulled_folder_can_be_uploaded_again_without_the_clients_notes() -> None:
    assert RULES.is_ignored(".smallhub/manifest.json")
    assert not RULES.is_ignored("a/.smallhub/x")
    assert not RULES.is_ignored(".smallhub-notes.md")


def test_a_character_cut_at_the_end_of_the_sample_is_still_text() -> None:
    assert is_text("é".encode()[:1])
    assert not is_text(b"\xff\xfe text")
