"""Folders and files as people read them."""

import json
import struct

import pytest
from django.test import Client

from models_registry.models import Commit
from tests.factories.pages import model
from tests.factories.registry import put

pytestmark = pytest.mark.django_db


def page(client: Client, repository, rest: str) -> str:
    answer = client.get(f"/{repository.full_name}{rest}")
    assert answer.status_code == 200
    return answer.content.decode()


def safetensors(**shapes: list[int]) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for axis in shape:
            size *= axis
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def test_a_folder_lists_folders_first_with_sizes_and_last_changes(client):
    repository = model()
    put(repository, {"train/a.py": "x = 1\n", "train/deep/b.py": "y\n", "zeta.txt": "z"}, title="Add the recipe")

    html = page(client, repository, "/tree/main")

    assert html.index(">train</a>") < html.index(">README.md</a>") < html.index(">zeta.txt</a>")
    assert "2 files" in html
    assert "Add the recipe" in html
    inner = page(client, repository, "/tree/main/train")
    assert ">deep</a>" in inner
    assert ">a.py</a>" in inner
    assert "zeta.txt" not in inner


def test_the_files_tab_leads_to_the_default_branch(client):
    repository = model()

    assert client.get(f"/{repository.full_name}/tree").url == f"/{repository.full_name}/tree/main"


@pytest.mark.parametrize("rest", ["/tree/main/nowhere", "/tree/no-such-branch", "/blob/main/no.txt", "/commit/abcdef0"])
def test_what_is_not_there_is_a_page_that_helps(client, rest):
    answer = client.get(f"/{model().full_name}{rest}")

    assert answer.status_code == 404
    assert b"<title>Not found" in answer.content


def test_text_is_shown_with_numbered_coloured_lines(client):
    repository = model()
    put(repository, {"train.py": "def f():\n    return 1\n"})

    html = page(client, repository, "/blob/main/train.py")

    assert '<tr id="L2">' in html
    assert '<tr id="L3">' not in html
    assert '<span class="k">def</span>' in html


def test_text_that_is_markup_is_escaped(client):
    repository = model()
    put(repository, {"x.html": "<script>alert(1)</script>\n"})

    assert "<script>alert(1)" not in page(client, repository, "/blob/main/x.html")


def test_markdown_is_shown_as_a_page_or_as_text(client):
    repository = model()
    put(repository, {"docs/notes.md": "# Notes\n\n[up](../config.json)\n"})

    as_page = page(client, repository, "/blob/main/docs/notes.md")
    as_text = page(client, repository, "/blob/main/docs/notes.md?plain=1")

    assert "<h2>Notes</h2>" in as_page
    assert f'href="/{repository.full_name}/blob/main/config.json"' in as_page
    assert '<tr id="L1">' in as_text


def test_a_picture_is_shown_and_a_drawing_with_scripts_is_not(client):
    repository = model()
    put(repository, {"a.png": b"\x89PNG\r\n", "b.svg": "<svg onload='alert(1)'/>"})

    assert f'<img src="/{repository.full_name}/resolve/main/a.png"' in page(client, repository, "/blob/main/a.png")
    assert "<img src" not in page(client, repository, "/blob/main/b.svg")


def test_weights_show_what_their_header_declares(client):
    repository = model()
    put(repository, {"model.safetensors": safetensors(embed=[128, 64], norm=[64])})

    html = page(client, repository, "/blob/main/model.safetensors")

    assert "128 × 64" in html
    assert "8,256" in html  # Parameters in all.
    assert 'width="100.0%"' in html


def test_broken_weights_say_what_is_wrong(client):
    repository = model()
    put(repository, {"model.safetensors": safetensors(embed=[128, 64])[:-4]})

    html = page(client, repository, "/blob/main/model.safetensors")

    assert "The header cannot be read." in html


def test_bytes_that_are_no_text_are_offered_for_download(client):
    repository = model()
    put(repository, {"a.bin": b"\x00\x01\x02"})

    html = page(client, repository, "/blob/main/a.bin")

    assert "Not text" in html
    assert f"/{repository.full_name}/resolve/main/a.bin?download=true" in html


def test_a_held_file_is_neither_shown_nor_offered(client):
    repository = model()
    commit = put(repository, {"optimizer.pt": "not really a pickle"})
    Commit.objects.filter(pk=commit.pk).update(held={"optimizer.pt": "Opening it would run os.system."})

    html = page(client, repository, "/blob/main/optimizer.pt")

    assert "Opening it would run os.system." in html
    assert "not really a pickle" not in html
    assert "download=true" not in html


def test_odd_names_are_addressed_and_escaped(client):
    repository = model()
    put(repository, {"a b/ü#&'i.txt": "words\n"})

    html = page(client, repository, "/tree/main/a%20b")

    assert "ü#&amp;&#x27;i.txt" in html
    assert "/blob/main/a%20b/%C3%BC%23%26%27i.txt" in html
    assert "words" in page(client, repository, "/blob/main/a%20b/%C3%BC%23%26%27i.txt")


def test_very_long_files_and_lists_are_cut_and_say_so(client, monkeypatch):
    from hub.pages import files

    monkeypatch.setattr(files, "MAX_LINES", 3)
    monkeypatch.setattr(files, "MAX_ROWS", 3)
    repository = model()
    put(repository, {f"{number}.txt": "a\n" * 9 for number in range(9)})

    assert "6 more lines" in page(client, repository, "/blob/main/1.txt")
    assert "more are not shown" in page(client, repository, "/tree/main")
