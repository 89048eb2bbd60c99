"""Whole repositories in: from a folder, a Git server, or another hub, under the commit ids that they had there."""

from models_registry.services.imports.folders import import_folder
from models_registry.services.imports.histories import Imported, import_history
from models_registry.services.imports.mirrors import begin_import, due_mirrors, refresh, run_import
from models_registry.services.imports.origins import Origin

__all__ = [
    "Imported",
    "Origin",
    "begin_import",
    "due_mirrors",
    "import_folder",
    "import_history",
    "refresh",
    "run_import",
]
