"""A folder whose model is in a format that is not loaded is refused by the file's name, with the way out."""

from __future__ import annotations

import pytest
from smallhub.runtimes import UnsupportedModel, recognise


@pytest.mark.parametrize(
    ("name", "content", "code", "way_out"),
    [
        ("model.keras", b"PK\x03\x04", "keras_weights", "propose its weights as safetensors"),
        ("tf_model.h5", b"\x89HDF\r\n\x1a\n", "keras_weights", "propose its weights as safetensors"),
        ("model.pt", b"PK\x03\x04", "pickle_weights", "propose its weights as safetensors"),
        ("lm.arpa.gz", b"\x1f\x8b", "unsupported_format", "Unpack it"),
        ("model.bin", b"16 4\nthe \x00\x00\x80?", "unsupported_format", "Name it word2vec.bin"),
        ("model.txt", b"16 4\nthe 0.1 0.2 0.3 0.4\n", "unsupported_format", "Name it word2vec.txt"),
        ("cc.en.300.bin", b"\xba\x16\x4f\x2f\x0c\x00\x00\x00", "unsupported_format", "in a .vec file"),
        ("model.skops", b"PK\x03\x04", "unsupported_format", "sklearn_models"),
        ("model.tflite", b"\x1c\x00\x00\x00TFL3", "unsupported_format", "TensorFlow Lite"),
    ],
)
@pytest.mark.parametrize("has_config", [False, True])
def test_what_is_there_instead_is_named(tmp_path, name, content, code, way_out, has_config):
    (tmp_path / "README.txt").write_text("Read me.")
    (tmp_path / name).write_bytes(content)
    if has_config:
        (tmp_path / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')

    with pytest.raises(UnsupportedModel) as caught:
        recognise(tmp_path)

    assert caught.value.code == code
    assert str(caught.value).startswith(name)
    assert way_out in str(caught.value)


def test_a_folder_of_nothing_lacks_its_configuration(tmp_path):
    (tmp_path / "notes.txt").write_text("12 monkeys")

    with pytest.raises(UnsupportedModel) as caught:
        recognise(tmp_path)

    assert caught.value.code == "missing_file"
