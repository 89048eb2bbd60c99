"""How a file should travel: as a Git blob or as large content; and which files a repository ignores."""

import io

from dulwich.attrs import GitAttributes, Pattern, parse_git_attributes
from dulwich.ignore import IgnoreFilter, read_ignore_patterns

from models_registry.models import Repository
from models_registry.paths import CLIENT_FOLDER
from models_registry.services.heads import read_small_file
from models_registry.types import Listing

TEXT_LIMIT = 2**20  # Small files travel base64-coded in one line and live in rows: keep them small.
_RULE_FILE_LIMIT = 64 * 1024


class UploadRules:
    """The rules of one repository at one commit."""

    def __init__(self, *, attributes: bytes, ignore: bytes) -> None:
        patterns = [(Pattern(pattern), values) for pattern, values in parse_git_attributes(io.BytesIO(attributes))]
        self._attributes = GitAttributes(patterns)
        self._ignore = IgnoreFilter(read_ignore_patterns(io.BytesIO(ignore)))

    @classmethod
    def of(cls, repository: Repository, listing: Listing, *, git_ignore: object = None) -> "UploadRules":
        """Read `.gitattributes` and `.gitignore` of a commit; a given ignore text takes the latter's place."""
        attributes = read_small_file(repository, listing, ".gitattributes", limit=_RULE_FILE_LIMIT) or b""
        if isinstance(git_ignore, str):
            ignore = git_ignore[:_RULE_FILE_LIMIT].encode("utf-8", "replace")
        else:
            ignore = read_small_file(repository, listing, ".gitignore", limit=_RULE_FILE_LIMIT) or b""
        return cls(attributes=attributes, ignore=ignore)

    def is_large(self, path: str, *, size: int, sample: bytes) -> bool:
        """Large: what `.gitattributes` says so, text over 1 MiB, and everything that is not text."""
        if size == 0:
            return False
        if self._attributes.match_path(path.encode("utf-8", "replace")).get(b"filter") == b"lfs":
            return True
        return size > TEXT_LIMIT or not is_text(sample)

    def is_ignored(self, path: str) -> bool:
        """What `.gitignore` leaves out, and the notes that our client keeps in a folder it has pulled."""
        return path.startswith(f"{CLIENT_FOLDER}/") or bool(self._ignore.is_ignored(path))


def is_text(sample: bytes) -> bool:
    """Is the beginning of a file UTF-8 text? A character cut at the end of the sample is forgiven."""
    if b"\x00" in sample:
        return False
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.end == len(sample) and len(sample) - error.start < 4 and error.reason == "unexpected end of data"
    return True
