"""Which files wait for the scan: those that common loaders open by running what is in them.

A name decides here, for nothing has been read yet. It only says who waits: what a file is, the scan tells from bytes.
"""

import re

from models_registry.types import Entry, Listing

WAITS = "It is of a kind that can run code when it is opened, and the scan has not looked at it yet."

_SUFFIXES = (".ckpt", ".dill", ".h5", ".hdf5", ".joblib", ".keras", ".pickle", ".pkl", ".pt", ".pth")
# Pickles that libraries look for under names of their own.
_NAMES = re.compile(r".+_model(?:-\d+-of-\d+)?\.bin|(?:training_args|optimizer|scheduler)\.bin")


def waits(path: str) -> bool:
    """Whether a file of this name is kept from readers until the scan has spoken."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(_SUFFIXES) or _NAMES.fullmatch(name) is not None


def can_run(listing: Listing) -> bool:
    """Whether any file of a commit has such a name."""
    return any(map(waits, listing.files))


def held_at_first(listing: Listing, *, before: Listing | None, held_before: dict[str, str] | None) -> dict[str, str]:
    """What to hold back of a commit that was not scanned: path to the reason.

    Args:
        before, held_before: of the scanned commit before, of whose files it is known what they are. None without one.
    """
    found = {}
    for path, entry in listing.files.items():
        if before is not None and held_before is not None and _is_same(before.files.get(path), entry):
            if path in held_before:
                found[path] = held_before[path]
        elif waits(path):
            found[path] = WAITS
    return found


def _is_same(old: Entry | None, new: Entry) -> bool:
    return old is not None and (old.oid, old.sha256) == (new.oid, new.sha256)
