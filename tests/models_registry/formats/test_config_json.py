from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import config_json
from models_registry.formats.config_json import JsonLimits
from models_registry.formats.errors import BadFormat

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    leaves | st.text(st.characters(codec="utf-8")), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(documents)
@settings(max_examples=200)
def test_ordinary_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return
    assert config_json.parse(raw) == json.loads(raw)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789eE.-ntf\\u dD8').map(str.encode))
@settings(max_examples=500)
def test_any_bytes_are_read_or_refused_never_worse(raw: bytes) -> None:
    try:
        config_json.parse(raw)
    except BadFormat as error:
        if not error.code.startswith("json_"):
            raise


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a": 1, "a": 2}', "json_duplicate_key"),
        (b'{"x": {"a": 1, "a": 1}}', "json_duplicate_key"),
        (b'{"a": NaN}', "json_number"),
        (b"[Infinity]", "json_number"),
        (b"[1e999]", "json_number"),
        (b"[" + b"9" * 5000 + b"]", "json_number"),
        (b"[9223372036854775808]", "json_number"),
        (b'["\\ud800"]', "json_encoding"),
        (b'{"\\udfff": 1}', "json_encoding"),
        (b'"\xff"', "json_encoding"),
        (b"\xef\xbb\xbf{}", "json_encoding"),
        ('{"a": 1}'.encode("utf-16"), "json_encoding"),
        (b"{} {}", "json_syntax"),
        (b"", "json_syntax"),
        (b"[" * 65 + b"]" * 65, "json_too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "json_too_deep"),
        (b'{"a":' * 100_000, "json_too_deep"),
    ],
)
def test_json_that_two_readers_would_read_differently_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(BadFormat) as caught:
        config_json.parse(raw)

    assert caught.value.code == code


def test_depth_64_is_still_read() -> None:
    assert config_json.parse(b"[" * 64 + b"]" * 64)


def test_a_surrogate_pair_is_one_character() -> None:
    assert config_json.parse(b'"\\ud83d\\ude00"') == "😀"


def test_size_is_limited_before_anything_is_parsed() -> None:
    with pytest.raises(BadFormat, match="at most 10"):
        config_json.parse(b'"0123456789"', limits=JsonLimits(size_bytes=10))


def test_a_list_is_not_a_configuration() -> None:
    with pytest.raises(BadFormat, match="must be an object"):
        config_json.parse_object(b"[]")


def test_the_usual_no_limit_of_tokenizer_settings_is_read_there_and_only_there() -> None:
    raw = b'{"model_max_length": 1000000000000000019884624838656}'

    assert config_json.parse(raw, limits=config_json.limits_for("tokenizer_config.json"))["model_max_length"] > 10**29
    with pytest.raises(BadFormat):
        config_json.parse(raw, limits=config_json.limits_for("config.json"))
