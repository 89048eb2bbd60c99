"""Texts of licences and files that hold them: what LICENSE says, and what a mapping says of each file. Pure."""

from models_registry.licence_files.declared import Mapping, PathLicence, read_mapping, read_reuse, spdx_line
from models_registry.licence_files.matching import Match, match_text
from models_registry.licence_files.names import is_licence_file
from models_registry.licence_files.texts import filled, has_text, text_of

__all__ = [
    "Mapping",
    "Match",
    "PathLicence",
    "filled",
    "has_text",
    "is_licence_file",
    "match_text",
    "read_mapping",
    "read_reuse",
    "spdx_line",
    "text_of",
]
