from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import onnx
from models_registry.formats.detect import detect_bytes
from models_registry.formats.errors import BadFormat
from tests.factories import binary_models
from tests.factories.binary_models import field, onnx_tensor


def read(content: bytes) -> onnx.OnnxModel:
    return onnx.read_model(io.BytesIO(content), size_bytes=len(content))


def test_a_whole_model_is_read() -> None:
    branch = field(1, "then") + field(6, field(1, field(4, "Relu")) + field(5, onnx_tensor("inner", [3])))
    found = read(binary_models.onnx(node_extra=field(5, branch), extra=field(14, field(1, "k") + field(2, "v"))))

    assert (found.ir_version, found.producer, found.opsets) == (8, "test", {"": 17})
    assert (found.inputs, found.outputs, found.metadata) == (["x"], ["y"], {"k": "v"})
    assert found.operators == {"Relu": 1, "MatMul": 1}
    assert [(each.name, each.shape, each.elements) for each in found.tensors] == [("inner", (3,), 3), ("w", (2, 2), 4)]
    assert found.by_dtype() == {"F32": 7}
    assert found.foreign_domains == ()


def test_foreign_operators_and_functions_of_the_models_own_are_told_apart() -> None:
    own = field(25, field(1, "Twice") + field(7, field(4, "Add")) + field(10, "mine"))

    assert read(binary_models.onnx(domain="evil.ops")).foreign_domains == ("evil.ops",)
    assert read(binary_models.onnx(domain="mine", extra=own)).foreign_domains == ()
    assert read(binary_models.onnx(domain="com.microsoft")).foreign_domains == ()


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "..\\x", "a//b", "a\0b", "file:x"]
)
def test_external_data_never_leaves_the_folder(location: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read(binary_models.onnx(tensors=[onnx_tensor("w", [2], location=location)]))

    assert caught.value.code == "onnx_path"


def test_external_data_must_say_where() -> None:
    nowhere = field(1, 2) + field(2, 1) + field(8, "w") + field(14, 1)

    with pytest.raises(BadFormat, match="nothing says where"):
        read(binary_models.onnx(tensors=[nowhere]))


def test_external_data_beside_the_model_are_listed() -> None:
    found = read(binary_models.onnx(tensors=[onnx_tensor("w", [2, 3], location="data/w.bin", length=24)]))

    assert found.external_files == ("data/w.bin",)
    assert found.tensors[0].size_bytes == 24


DEEP = field(4, "Relu")
for _ in range(20):
    DEEP = field(5, field(6, field(1, field(4, "If") + DEEP)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (binary_models.onnx(opset=0), "onnx_opset"),
        (binary_models.onnx(opset=99), "onnx_opset"),
        (binary_models.onnx(extra=field(8, field(2, 17))), "onnx_opset"),
        (binary_models.onnx(graphs=0), "onnx_graph"),
        (binary_models.onnx(graphs=2), "onnx_graph"),
        (binary_models.onnx()[:-1], "onnx_truncated"),
        (binary_models.onnx(extra=field(99, "x")), "onnx_field"),
        (binary_models.onnx(extra=b"\x3b"), "onnx_field"),
        (binary_models.onnx(node_extra=DEEP), "onnx_depth"),
        (binary_models.onnx(tensors=[field(1, 2**50) + field(2, 1)]), "onnx_tensor"),
        (binary_models.onnx(tensors=[field(2, 77)]), "onnx_tensor"),
        (binary_models.onnx(tensors=[onnx_tensor("w", [2], location="w", length=7)]), "onnx_tensor"),
        (binary_models.onnx(extra=field(2, b"\xff")), "onnx_text"),
        (b"\x08" + b"\xff" * 11, "onnx_varint"),
    ],
)
def test_what_is_not_sound_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read(content)

    assert caught.value.code == code


def test_it_is_known_by_its_bytes() -> None:
    whole = binary_models.onnx()

    assert detect_bytes(whole).all_kinds == ("onnx",)
    assert detect_bytes(whole[:-1]).kind in ("onnx", "binary")
    assert detect_bytes(b"\x08\x08 and text that follows").kind != "onnx"


WHOLE = binary_models.onnx(extra=field(14, field(1, "k") + field(2, "v")))


@given(at=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255), cut=st.integers(0, 10))
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_is_refused_or_read(at: int, value: int, cut: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] = value
    try:
        found = read(bytes(changed[: len(changed) - cut]))
    except BadFormat:
        return
    assert not any(onnx.path_fault(name) for name in found.external_files)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_survived(content: bytes) -> None:
    with pytest.raises(BadFormat):
        read(content)


def test_weights_are_skipped_not_read() -> None:
    size = 16 << 20
    content = binary_models.onnx(tensors=[onnx_tensor("w", [size // 4], content=b"\0" * size)])
    stream = io.BytesIO(content)
    tracemalloc.start()
    found = onnx.read_model(stream, size_bytes=len(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.tensors[0].size_bytes == size
    assert peak < 1 << 20
