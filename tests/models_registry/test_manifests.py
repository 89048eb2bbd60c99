"""The packed form of a listing is read back whole, also as it was written before it knew of modes."""

import json
import zlib

from models_registry.manifests import pack, unpack
from models_registry.types import Entry, Listing

LISTING = Listing(
    files={
        "a.txt": Entry("a.txt", "1" * 40, 3, "a" * 64, last_commit="c" * 40),
        "run.sh": Entry("run.sh", "2" * 40, 9, "b" * 64, last_commit="c" * 40, executable=True),
    },
    folders={"": "3" * 40},
)


def test_modes_are_read_back() -> None:
    assert unpack(pack(LISTING)) == LISTING


def test_a_listing_from_before_modes_holds_ordinary_files() -> None:
    document = json.loads(zlib.decompress(pack(LISTING)))
    del document["executable"]

    files = unpack(zlib.compress(json.dumps(document).encode())).files

    assert files["a.txt"] == LISTING.files["a.txt"]
    assert not files["run.sh"].executable
