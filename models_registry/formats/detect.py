"""What a file is, told from its bytes alone. Names are only compared afterwards, never trusted.

Every detector is asked about every file. A file that two detectors accept is a polyglot: two programs would read two
different things in it, so it is `ambiguous`, and nobody needs to guess which reader an attacker had in mind.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from models_registry.formats import config_json, onnx, pickles, safetensors
from models_registry.formats.errors import BadFormat

_HEAD_BYTES = 65_536
_TAIL_BYTES = 65_557  # The longest a zip's end record with its comment can be.
_TEXT_SAMPLE_BYTES = 1 << 20

# Kinds that can hold a program which some loader runs, or which hide their content from a scan.
EXECUTABLE = frozenset({"pickle", "pickle_in_text", "elf", "pe", "mach_o"})
CONTAINERS = frozenset({"zip", "tar", "gzip", "bzip2", "xz", "zstd", "7z", "rar", "lz4", "zlib"})
WEIGHTS = frozenset({"safetensors", "gguf", "hdf5", "numpy", "npz", "onnx", "keras"})
INERT = frozenset({"text", "json", "png", "jpeg", "gif", "webp", "wav", "flac", "ogg", "pdf", "parquet", "empty"})


@dataclass(frozen=True)
class Detected:
    """`kind` is a word of the sets above, or `html`, `sqlite`, `binary`. A polyglot has several in `all_kinds`."""

    kind: str
    all_kinds: tuple[str, ...]

    @property
    def is_ambiguous(self) -> bool:
        return len(self.all_kinds) > 1


@dataclass(frozen=True)
class Sample:
    """The parts of a file that the detectors look at."""

    head: bytes
    tail: bytes
    size_bytes: int
    stream: BinaryIO


def detect_file(path: Path) -> Detected:
    """Detect a file on disk."""
    with path.open("rb") as stream:
        return detect(stream, size_bytes=path.stat().st_size)


def detect_bytes(content: bytes) -> Detected:
    """Detect content held in memory."""
    return detect(io.BytesIO(content), size_bytes=len(content))


def detect(stream: BinaryIO, *, size_bytes: int) -> Detected:
    """Ask every detector about a seekable stream.

    Reads at most about a megabyte, wherever the file's size. A detector never raises: broken content of a kind that
    its first bytes announce is still of that kind, and that kind's reader then says what is broken.
    """
    if size_bytes == 0:
        return Detected("empty", ("empty",))
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(max(0, size_bytes - _TAIL_BYTES))
    sample = Sample(head=head, tail=stream.read(_TAIL_BYTES), size_bytes=size_bytes, stream=stream)
    found = [kind for kind, test in _DETECTORS.items() if test(sample)]
    if not found:
        found = [_text_or_binary(sample)]
    return Detected(kind=found[0], all_kinds=tuple(found))


def kinds_for_name(path: str) -> frozenset[str] | None:
    """The kinds that a file of this name may have, or None if the name promises nothing."""
    name = PurePosixPath(path).name.lower()
    for suffix, kinds in _PROMISES.items():
        if name.endswith(suffix):
            return kinds
    return None


_MAGICS: dict[str, tuple[bytes, ...]] = {
    "gguf": (b"GGUF", b"FUGG"),
    "hdf5": (b"\x89HDF\r\n\x1a\n",),
    "7z": (b"7z\xbc\xaf\x27\x1c",),
    "rar": (b"Rar!\x1a\x07",),
    "gzip": (b"\x1f\x8b",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "lz4": (b"\x04\x22\x4d\x18",),
    "elf": (b"\x7fELF",),
    "mach_o": (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
    "numpy": (b"\x93NUMPY",),
    "parquet": (b"PAR1",),
    "sqlite": (b"SQLite format 3\x00",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "flac": (b"fLaC",),
    "ogg": (b"OggS",),
}


def _magic(prefixes: tuple[bytes, ...]) -> Callable[[Sample], bool]:
    return lambda sample: sample.head.startswith(prefixes)


def _is_zip(sample: Sample) -> bool:
    """A local header at the start, or an end record that points at a directory right before it (any prefix)."""
    if sample.head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return True
    at = sample.tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(sample.tail):
        return False
    length = int.from_bytes(sample.tail[at + 12 : at + 16], "little")
    directory = max(0, sample.size_bytes - _TAIL_BYTES) + at - length
    if not 0 < length <= sample.size_bytes or directory < 0:
        return False
    sample.stream.seek(directory)
    return sample.stream.read(4) == b"PK\x01\x02"


def _is_tar(sample: Sample) -> bool:
    """The first block's checksum is right: true for every tar dialect, and by chance for almost nothing else."""
    block = sample.head[:512]
    if len(block) < 512:
        return False
    digits = block[148:156].strip(b" \x00")
    if not digits or any(digit not in b"01234567" for digit in digits):
        return False
    return sum(block[:148]) + 8 * 32 + sum(block[156:]) == int(digits, 8)


def _is_pe(sample: Sample) -> bool:
    at = int.from_bytes(sample.head[60:64], "little")
    return sample.head.startswith(b"MZ") and sample.head[at : at + 4] == b"PE\x00\x00"


def _is_riff(form: bytes) -> Callable[[Sample], bool]:
    return lambda sample: sample.head.startswith(b"RIFF") and sample.head[8:12] == form


def _is_zlib(sample: Sample) -> bool:
    """A zlib stream, as joblib writes it: its two bytes alone are as well the length of a safetensors header."""
    head = sample.head[:3]
    if len(head) < 3 or head[0] != 0x78 or head[1] not in (0x01, 0x5E, 0x9C, 0xDA) or _is_text(sample):
        return False
    try:
        zlib.decompressobj().decompress(sample.head, 1024)
    except zlib.error:
        return False
    return True


def _is_pdf(sample: Sample) -> bool:
    return b"%PDF-" in sample.head[:1024] and not _is_text(sample)


_HTML = re.compile(rb"<(!doctype\s+html|html|script|svg|iframe|body|img|object)\b", re.IGNORECASE)


def _is_html(sample: Sample) -> bool:
    """Markup that a browser would run: at the start of a text, or hidden early in a binary file."""
    if _is_text(sample):
        return _HTML.match(sample.head.lstrip()[:64]) is not None
    known_binary = sample.head.startswith(tuple(magic for group in _MAGICS.values() for magic in group))
    return known_binary and b"<script" in sample.head[:4096].lower()


def _is_pickle(sample: Sample) -> bool:
    """A pickle with its protocol mark; one in the old text protocols is told by what it would import.

    The length of a safetensors header can be such a mark (640 bytes are 80 02). A pickle's reader stops at the next
    bytes of that length then, before it has done anything; where it does not, the file is both.
    """
    if not pickles.looks_like(sample.head):
        return False
    if not _is_safetensors(sample):
        return True
    sample.stream.seek(0)
    report = pickles.scan(sample.stream)
    return report.broken is None or bool(report.imports or report.calls)


def _is_old_pickle(sample: Sample) -> bool:
    """Protocols 0 and 1 have no mark: only a walk that calls or fully parses with an import tells them from text."""
    if pickles.looks_like(sample.head) or sample.head[:1] not in _OLD_PICKLE_STARTS:
        return False
    sample.stream.seek(0)
    report = pickles.scan(sample.stream)
    imports_something = any(re.fullmatch(r"[A-Za-z_][\w.]*", name) for name in report.imports)
    return imports_something and (report.broken is None or bool(report.calls))


def _is_onnx(sample: Sample) -> bool:
    """Protobuf has no magic: what begins with a small version number is walked along its top level."""
    return sample.head[:1] == b"\x08" and onnx.looks_like(sample.stream, size_bytes=sample.size_bytes)


def _is_safetensors(sample: Sample) -> bool:
    return safetensors.looks_like(sample.head, sample.size_bytes)


# Opcodes that can begin a pickle of protocol 0 or 1 which later imports something.
_OLD_PICKLE_STARTS = tuple(bytes([byte]) for byte in b"(c]})ISVUTXKMJGNFLi0.lpdqt\x8c\x88\x89\x8a\x8b\x82\x83\x84BC")

_DETECTORS: dict[str, Callable[[Sample], bool]] = {
    **{kind: _magic(prefixes) for kind, prefixes in _MAGICS.items()},
    "safetensors": _is_safetensors,
    "onnx": _is_onnx,
    "pickle": _is_pickle,
    "pickle_in_text": _is_old_pickle,
    "zip": _is_zip,
    "tar": _is_tar,
    "pe": _is_pe,
    "wav": _is_riff(b"WAVE"),
    "webp": _is_riff(b"WEBP"),
    "zlib": _is_zlib,
    "pdf": _is_pdf,
    "html": _is_html,
}


def _is_text(sample: Sample) -> bool:
    """UTF-8 without control characters other than line breaks, tabs, form feeds and escapes' kin."""
    return _decodes(sample.head, whole=sample.size_bytes <= len(sample.head))


def _decodes(raw: bytes, *, whole: bool) -> bool:
    if any(byte in _CONTROLS for byte in raw):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return not whole and error.start >= len(raw) - 3
    return True


_CONTROLS = frozenset(set(range(32)) - set(b"\t\n\r\f\x1b"))


def _text_or_binary(sample: Sample) -> str:
    sample.stream.seek(0)
    raw = sample.stream.read(_TEXT_SAMPLE_BYTES)
    if not _decodes(raw, whole=sample.size_bytes <= len(raw)):
        return "binary"
    if raw.lstrip()[:1] in (b"{", b"[") and sample.size_bytes <= len(raw):
        try:
            config_json.parse(raw)
        except BadFormat:
            return "text"
        return "json"
    return "text"


def _promise(kinds: Iterable[str], *suffixes: str) -> dict[str, frozenset[str]]:
    return {suffix: frozenset(kinds) for suffix in suffixes}


_TEXT_KINDS = ("text", "json", "empty", "html")
# Longer suffixes first where one ends in another.
_PROMISES: dict[str, frozenset[str]] = {
    **_promise(["safetensors"], ".safetensors"),
    **_promise(["text", "json", "empty"], ".json", ".jsonl", ".txt", ".yaml", ".yml", ".csv", ".tsv", ".py"),
    **_promise(["text", "json", "empty"], ".toml", ".cfg", ".ini", ".jinja", ".gitattributes", ".gitignore", ".arpa"),
    **_promise(_TEXT_KINDS, ".html", ".htm", ".svg", ".xml", ".md"),  # Markdown may begin with HTML, as with a picture.
    **_promise(["gguf"], ".gguf"),
    **_promise(["onnx"], ".onnx"),
    **_promise(["hdf5"], ".h5", ".hdf5"),
    **_promise(["numpy"], ".npy"),
    **_promise(["zip"], ".npz", ".zip", ".keras", ".skops", ".docx"),
    **_promise(["gzip"], ".gz", ".tgz"),
    **_promise(["bzip2"], ".bz2"),
    **_promise(["xz"], ".xz"),
    **_promise(["zstd"], ".zst"),
    **_promise(["7z"], ".7z"),
    **_promise(["tar"], ".tar"),
    **_promise(["parquet"], ".parquet"),
    **_promise(["png"], ".png"),
    **_promise(["jpeg"], ".jpg", ".jpeg"),
    **_promise(["gif"], ".gif"),
    **_promise(["webp"], ".webp"),
    **_promise(["wav"], ".wav"),
    **_promise(["flac"], ".flac"),
    **_promise(["ogg"], ".ogg"),
    **_promise(["pdf"], ".pdf"),
}
