"""What files say of where a model or data set comes from. Pure: claims in, claims out; nothing is looked up.

A claim names a parent in somebody's words, with the file and the key that say it. Services turn claims into rows.
"""

from models_registry.lineage.claims import Claim, Place, merged
from models_registry.lineage.files import SMALL_FILES, claims_of, is_small_file

__all__ = ["SMALL_FILES", "Claim", "Place", "claims_of", "is_small_file", "merged"]
