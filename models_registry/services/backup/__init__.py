"""A copy of everything in a folder, made while the hub works; and a hub made of such a copy.

The database is copied first, in one moment; then the blobs that this copy names. Blobs never change, so a folder that
holds some already gets only the rest. What a collection took in between shows as missing, and the database is copied
anew. The manifest is written last: a folder without one is no backup.
"""

from models_registry.services.backup.making import Backup, make_backup
from models_registry.services.backup.restoring import restore_backup

__all__ = ["Backup", "make_backup", "restore_backup"]
