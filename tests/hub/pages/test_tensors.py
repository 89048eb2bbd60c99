"""The tensors of a model, a page at a time."""

import json
import struct

import pytest
from django.test import Client

from tests.factories import binary_models
from tests.factories.pages import model
from tests.factories.registry import put

pytestmark = pytest.mark.django_db


def page(client: Client, repository, query: str = "") -> str:
    answer = client.get(f"/{repository.full_name}/tensors/main{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def weights(count: int, dtype: str = "F32") -> bytes:
    size = {"F32": 4, "F16": 2}[dtype]
    header = {
        f"layers.{number:03}.weight": {
            "dtype": dtype,
            "shape": [2, 3],
            "data_offsets": [6 * size * number, 6 * size * (number + 1)],
        }
        for number in range(count)
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(6 * size * count)


def test_each_tensor_has_shape_format_and_bytes(client):
    repository = model()
    put(repository, {"model.safetensors": weights(3), "other.gguf": gguf()})

    html = page(client, repository)

    assert "4 tensors" in html
    assert "2 × 3" in html
    assert "Q8_0" in html
    assert "34 B" in html
    assert ">other.gguf</td>" in html


def gguf() -> bytes:
    return binary_models.gguf([("blk.0.weight", (32,), 8, b"\1" * 34)])


def test_a_filter_by_name_format_and_file(client):
    repository = model()
    put(repository, {"a.safetensors": weights(12), "b.safetensors": weights(2, "F16")})

    assert "layers.011.weight" in page(client, repository, "?q=LAYERS.01")
    assert "layers.003.weight" not in page(client, repository, "?q=LAYERS.01")
    assert "2 of 14 tensors" in page(client, repository, "?dtype=F16")
    assert "2 tensors" in page(client, repository, "?file=b.safetensors")
    assert "No tensor is called so." in page(client, repository, "?q=nothing")


def test_many_are_shown_a_hundred_at_a_time(client, django_assert_max_num_queries):
    repository = model()
    put(repository, {"model.safetensors": weights(230)})

    first, last = page(client, repository), page(client, repository, "?after=200")

    assert first.count("layers.") == 100
    assert "?after=100" in first
    assert last.count("layers.") == 30
    assert "Next" not in last
    with django_assert_max_num_queries(20):
        page(client, repository, "?after=100")


def test_a_fragment_is_the_list_alone(client):
    repository = model()
    put(repository, {"model.safetensors": weights(1)})

    answer = client.get(f"/{repository.full_name}/tensors/main", headers={"HX-Request": "true"})

    assert answer.content.decode().startswith('<div id="tensors">')


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", "?after=99999999999", "?file=../x", "?dtype=zzz"])
def test_odd_questions_are_answered(client, query):
    repository = model()
    put(repository, {"model.safetensors": weights(1)})

    page(client, repository, query)


def test_a_broken_header_and_no_weights_at_all_are_said(client):
    repository = model()
    assert "No tensors to show" in page(client, repository)

    put(repository, {"model.safetensors": weights(2)[:-1]})
    assert "The header cannot be read." in page(client, repository)


def test_weights_that_are_held_back_are_not_listed(client):
    repository = model()
    put(repository, {"model.safetensors": weights(2)})
    repository.refresh_from_db()
    repository.commits.filter(oid=repository.head).update(held={"model.safetensors": "no"})

    assert "No tensors to show" in page(client, repository)
