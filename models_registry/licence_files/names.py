"""Which files hold a licence, by their names."""

import re

_STEM = re.compile(r"(?:un)?licen[cs]es?|copying(?:\.lesser)?|notice_and_licen[cs]e|use_policy", re.IGNORECASE)
_ENDING = re.compile(r"(?:[._-][\w.+-]{0,40})?", re.ASCII)
_CODE = {
    ".py",
    ".js",
    ".ts",
    ".c",
    ".h",
    ".cpp",
    ".go",
    ".rs",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".html",
    ".css",
    ".sh",
}
MAX_DEPTH = 4


def is_licence_file(path: str) -> bool:
    """LICENSE, LICENCE.md, LICENSE-MIT, COPYING.LESSER, model/LICENSE.txt, LICENSES/MIT.txt; no code, nothing deep."""
    folder, _, name = path.rpartition("/")
    if path.count("/") > MAX_DEPTH or any(name.lower().endswith(ending) for ending in _CODE):
        return False
    if folder.rpartition("/")[2] == "LICENSES":  # Where REUSE keeps them, each under its id.
        return name.endswith(".txt")
    match = _STEM.match(name)
    return match is not None and _ENDING.fullmatch(name[match.end() :]) is not None
