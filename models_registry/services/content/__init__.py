"""Large content: taken in, verified, deduplicated, linked to repositories, and read again with every byte checked.

Two doors bring bytes in, the Xet protocol (`store_xorb`, then `register_shard`) and plain streams (`ingest`); both end
in the same rows. What one may use of what is stored is decided by link rows, never by knowing a hash.
"""

from models_registry.models import Content
from models_registry.services.content.dedupe import dedupe_answer
from models_registry.services.content.demand import ask_for_copy, note_demand
from models_registry.services.content.ingest import check_size, ingest
from models_registry.services.content.links import find_linked, find_readable, link, link_all
from models_registry.services.content.parts import (
    begin_parts,
    complete_parts,
    drop_abandoned,
    needs_parts,
    part_sizes,
    put_part,
)
from models_registry.services.content.reading import cached_path, materialise, read, read_stored
from models_registry.services.content.reconstruction import Fetch, Reconstruction, find_file, reconstruct
from models_registry.services.content.scrub import Scrubbed, damaged_blobs, scrub
from models_registry.services.content.shards import Progress, register_shard, registering
from models_registry.services.content.upkeep import Damage, clean_leftovers, find_damage, stored_blobs
from models_registry.services.content.xorbs import delivered_xorb, store_xorb

__all__ = [
    "Content",
    "Damage",
    "Fetch",
    "Progress",
    "Reconstruction",
    "Scrubbed",
    "ask_for_copy",
    "begin_parts",
    "cached_path",
    "check_size",
    "clean_leftovers",
    "complete_parts",
    "damaged_blobs",
    "dedupe_answer",
    "delivered_xorb",
    "drop_abandoned",
    "find_damage",
    "find_file",
    "find_linked",
    "find_readable",
    "ingest",
    "link",
    "link_all",
    "materialise",
    "needs_parts",
    "note_demand",
    "part_sizes",
    "put_part",
    "read",
    "read_stored",
    "reconstruct",
    "register_shard",
    "registering",
    "scrub",
    "store_xorb",
    "stored_blobs",
]
