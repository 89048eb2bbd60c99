import pytest

from hub.core.rawpath import SLASH, keep_encoded_slashes, path_info, slashes


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/models/a/b/tree/main", "/api/models/a/b/tree/main"),
        (
            "/api/models/a/b/tree/refs%2Fpr%2F1/x%2Fy?recursive=1",
            f"/api/models/a/b/tree/refs{SLASH}pr{SLASH}1/x{SLASH}y",
        ),
        ("/a/b/resolve/main/dir/caf%C3%A9%20x.txt", "/a/b/resolve/main/dir/" + "café x.txt".encode().decode("latin-1")),
        ("/a%252Fb", "/a%2Fb"),  # Decoded once: what is left is literal.
    ],
)
def test_each_segment_is_decoded_alone_and_once(target: str, expected: str) -> None:
    assert path_info(target) == expected


def test_a_server_without_raw_target_is_left_as_it_is() -> None:
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        return []

    keep_encoded_slashes(application)({"PATH_INFO": "/a/b"}, lambda *_: None)
    assert seen["PATH_INFO"] == "/a/b"


def test_encoded_slashes_come_back_in_the_view() -> None:
    assert slashes(f"refs{SLASH}pr{SLASH}1") == "refs/pr/1"
