"""A strict reader of zip archives: where two zip readers could disagree, the archive is refused.

An archive is accepted only if its members follow one another from the first byte without gap or overlap, each local
header says what the central directory says, and nothing comes before, between or after. Nothing is ever unpacked to
disk; a member is read into memory or streamed, with its checksum and length verified.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from models_registry.formats.errors import BadFormat, printable

MAX_MEMBERS = 10_000
MAX_RATIO = 100
MAX_DIRECTORY_BYTES = 32_000_000
STORED, DEFLATED = 0, 8
_FLAG_DESCRIPTOR, _FLAG_UTF8 = 0x0008, 0x0800
_FLAGS_ALLOWED = _FLAG_DESCRIPTOR | _FLAG_UTF8 | 0x0006  # 0x0006: how hard the writer tried to compress.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class ZipMember:
    """One file in an archive. `data_start` counts from the beginning of the archive; sizes are in bytes."""

    name: str
    method: int
    flags: int
    crc32: int
    packed_bytes: int
    size_bytes: int
    header_start: int
    data_start: int = 0

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


@dataclass(frozen=True)
class _Directory:
    start: int
    size_bytes: int
    entries: int


def read_members(stream: BinaryIO, *, size_bytes: int) -> tuple[ZipMember, ...]:
    """List an archive's members after checking its whole structure (not yet the members' checksums).

    Raises:
        BadFormat: with a code that begins with `zip_`.
    """
    directory = _find_directory(stream, size_bytes)
    members = sorted(_read_directory(stream, directory), key=lambda member: member.header_start)
    names = [member.name for member in members]
    if len({name.casefold() for name in names}) != len(names):
        raise BadFormat("zip_duplicate", "Two members of the archive have the same name.")
    position, checked = 0, []
    for member in members:
        if member.header_start != position:
            raise BadFormat("zip_gap", f'There are bytes outside any member before "{printable(member.name)}".')
        member, position = _check_local(stream, member)
        checked.append(member)
    if position != directory.start:
        raise BadFormat("zip_gap", "There are bytes between the last member and the archive's directory.")
    _check_ratio(checked, size_bytes)
    return tuple(checked)


def stream_member(stream: BinaryIO, member: ZipMember, *, limit_bytes: int) -> Iterator[bytes]:
    """Yield a member's content in blocks; its declared length and checksum are verified at the end.

    Raises:
        BadFormat: `zip_member_too_large`, `zip_broken` (cannot be unpacked), `zip_length` or `zip_checksum`.
    """
    if member.size_bytes > limit_bytes:
        raise BadFormat("zip_member_too_large", f'"{printable(member.name)}" unpacks to {member.size_bytes:,} bytes.')
    checksum = length = 0
    for block in _unpacked(stream, member):
        length += len(block)
        if length > member.size_bytes:
            break
        checksum = zlib.crc32(block, checksum)
        yield block
    if length != member.size_bytes:
        raise BadFormat("zip_length", f'"{printable(member.name)}" does not unpack to the length it declares.')
    if checksum != member.crc32:
        raise BadFormat("zip_checksum", f'"{printable(member.name)}" does not match its checksum.')


def read_member(stream: BinaryIO, member: ZipMember, *, limit_bytes: int) -> bytes:
    """A member's whole content, verified."""
    return b"".join(stream_member(stream, member, limit_bytes=limit_bytes))


def _unpacked(stream: BinaryIO, member: ZipMember) -> Iterator[bytes]:
    """Yield the unpacked blocks, never holding more than a megabyte of them."""
    stream.seek(member.data_start)
    remaining = member.packed_bytes
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == DEFLATED else None
    while remaining:
        packed = stream.read(min(_BLOCK_BYTES, remaining))
        if not packed:
            raise BadFormat("zip_truncated", f'The archive ends inside "{printable(member.name)}".')
        remaining -= len(packed)
        if inflate is None:
            yield packed
            continue
        try:
            while packed:
                yield inflate.decompress(packed, _BLOCK_BYTES)
                packed = inflate.unconsumed_tail
        except zlib.error as error:
            raise BadFormat("zip_broken", f'"{printable(member.name)}" cannot be unpacked.') from error
    if inflate is not None and (not inflate.eof or inflate.unused_data):
        raise BadFormat("zip_broken", f'"{printable(member.name)}" holds bytes around its packed content.')


def _find_directory(stream: BinaryIO, size_bytes: int) -> _Directory:
    """Read the end record, which must be the very last thing in the file, without a comment."""
    if size_bytes < _END.size:
        raise BadFormat("zip_truncated", "The archive is too short to hold its end record.")
    raw = _read_at(stream, size_bytes - _END.size, _END.size)
    signature, disk, first_disk, here, entries, length, start, comment = _END.unpack(raw)
    if signature != b"PK\x05\x06" or comment:
        raise BadFormat("zip_end", "The archive does not end with its end record.")
    if disk or first_disk or here != entries:
        raise BadFormat("zip_end", "The archive claims to span several disks.")
    directory, end = _Directory(start, length, entries), size_bytes - _END.size
    if 0xFFFFFFFF in (start, length) or entries == 0xFFFF:
        directory, end = _find_directory64(stream, end)
    elif directory.start + directory.size_bytes != end:
        # Torch writes the 64-bit records also where the 32-bit ones suffice; then both must agree.
        wide, end = _find_directory64(stream, end)
        if wide != directory:
            raise BadFormat("zip_end", "The archive's two end records disagree.")
    if directory.start + directory.size_bytes != end:
        raise BadFormat("zip_gap", "The archive's directory does not end where its end record begins.")
    if directory.entries > MAX_MEMBERS or directory.size_bytes > MAX_DIRECTORY_BYTES:
        raise BadFormat("zip_count", f"The archive lists {directory.entries:,} members; at most 10,000 are read.")
    return directory


def _find_directory64(stream: BinaryIO, end: int) -> tuple[_Directory, int]:
    """Read the 64-bit end record that sits right before `end`; return it and its own start."""
    at = end - _LOCATOR64.size
    if at < _END64.size:
        raise BadFormat("zip_end", "The archive's directory is not where its end record says.")
    signature, disk, record_at, disks = _LOCATOR64.unpack(_read_at(stream, at, _LOCATOR64.size))
    if signature != b"PK\x06\x07" or disk or disks != 1 or record_at != at - _END64.size:
        raise BadFormat("zip_end", "The archive's directory is not where its end record says.")
    fields = _END64.unpack(_read_at(stream, record_at, _END64.size))
    signature, length, _, _, disk, first_disk, here, entries, size, start = fields
    if signature != b"PK\x06\x06" or length != _END64.size - 12 or disk or first_disk or here != entries:
        raise BadFormat("zip_end", "The archive's 64-bit end record is not sound.")
    return _Directory(start, size, entries), record_at


def _read_directory(stream: BinaryIO, directory: _Directory) -> Iterator[ZipMember]:
    """Yield the directory's entries, which must fill it exactly."""
    raw, at = _read_at(stream, directory.start, directory.size_bytes), 0
    for _ in range(directory.entries):
        if at + _CENTRAL.size > len(raw):
            raise BadFormat("zip_directory", "The archive's directory is cut short.")
        fields = _CENTRAL.unpack_from(raw, at)
        signature, _, _, flags, method, _, _, crc32, packed, size, name_n, extra_n, comment_n, disk = fields[:14]
        name_raw = raw[at + _CENTRAL.size :][:name_n]
        extra = raw[at + _CENTRAL.size + name_n :][:extra_n]
        at += _CENTRAL.size + name_n + extra_n + comment_n
        if signature != b"PK\x01\x02" or disk or comment_n or at > len(raw):
            raise BadFormat("zip_directory", "The archive's directory is not sound.")
        size, packed, start = _wide(extra, size, packed, fields[16])
        yield ZipMember(_name(name_raw), _method(method), _flags(flags), crc32, packed, size, start)
    if at != len(raw):
        raise BadFormat("zip_directory", "The archive's directory holds more than its entries.")


def _wide(extra: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """Replace the fields that overflow 32 bits by those of the 64-bit extra field."""
    values = _wide_values(extra)
    result = []
    for field in (size, packed, start):
        if field == 0xFFFFFFFF:
            if not values:
                raise BadFormat("zip_directory", "A member's 64-bit sizes are missing.")
            field = values.pop(0)
        result.append(field)
    return result[0], result[1], result[2]


def _wide_values(extra: bytes) -> list[int]:
    """The integers of the 64-bit extra field, in order; refuses extra data that is cut short."""
    at, found = 0, None
    while at < len(extra):
        if at + 4 > len(extra):
            raise BadFormat("zip_directory", "A member's extra data is cut short.")
        tag, length = struct.unpack_from("<2H", extra, at)
        if at + 4 + length > len(extra):
            raise BadFormat("zip_directory", "A member's extra data is cut short.")
        if tag == 1:
            if found is not None or length % 8 > 4:
                raise BadFormat("zip_directory", "A member's 64-bit sizes come twice or are not sound.")
            found = list(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
        at += 4 + length
    return found or []


def _check_local(stream: BinaryIO, member: ZipMember) -> tuple[ZipMember, int]:
    """Compare a member's local header with its directory entry; return it with its place, and where it ends."""
    shown = printable(member.name)
    fields = _LOCAL.unpack(_read_at(stream, member.header_start, _LOCAL.size))
    signature, _, flags, method, _, _, crc32, packed, size, name_n, extra_n = fields
    if signature != b"PK\x03\x04":
        raise BadFormat("zip_local", f'"{shown}" has no local header where the directory says.')
    tail = _read_at(stream, member.header_start + _LOCAL.size, name_n + extra_n)
    if _name(tail[:name_n]) != member.name or flags != member.flags or method != member.method:
        raise BadFormat("zip_mismatch", f'"{shown}" is described differently in its own header.')
    data_start = member.header_start + _LOCAL.size + name_n + extra_n
    end = data_start + member.packed_bytes
    if flags & _FLAG_DESCRIPTOR and (crc32, packed, size) in ((0, 0, 0), (0, 0xFFFFFFFF, 0xFFFFFFFF)):
        end = _check_descriptor(stream, member, end)
    else:
        values = _wide_values(tail[name_n:])
        size = values.pop(0) if size == 0xFFFFFFFF and values else size
        packed = values.pop(0) if packed == 0xFFFFFFFF and values else packed
        if (crc32, packed, size) != (member.crc32, member.packed_bytes, member.size_bytes):
            raise BadFormat("zip_mismatch", f'"{shown}" has other sizes or another checksum in its own header.')
        if flags & _FLAG_DESCRIPTOR:
            end = _check_descriptor(stream, member, end)
    return ZipMember(**{**member.__dict__, "data_start": data_start}), end


def _check_descriptor(stream: BinaryIO, member: ZipMember, at: int) -> int:
    """Check the record that repeats checksum and sizes after the data; return where it ends."""
    for layout in ("<4sL2L", "<4sL2Q"):
        wanted = struct.Struct(layout)
        try:
            raw = _read_at(stream, at, wanted.size)
        except BadFormat:
            continue
        if raw == wanted.pack(b"PK\x07\x08", member.crc32, *_clipped(member, wide="Q" in layout)):
            return at + wanted.size
    raise BadFormat("zip_mismatch", f'"{printable(member.name)}" is described differently after its data.')


def _clipped(member: ZipMember, *, wide: bool) -> tuple[int, int]:
    """The two sizes as a descriptor of that width can hold them."""
    mask = 2**64 - 1 if wide else 2**32 - 1
    return member.packed_bytes & mask, member.size_bytes & mask


def _check_ratio(members: list[ZipMember], size_bytes: int) -> None:
    """Refuse archives that unpack to more than a hundred times their size."""
    for member in members:
        if member.method == STORED and member.packed_bytes != member.size_bytes:
            raise BadFormat("zip_length", f'"{printable(member.name)}" is stored, yet changes its length.')
        if member.size_bytes > MAX_RATIO * max(member.packed_bytes, 1024):
            raise BadFormat("zip_ratio", f'"{printable(member.name)}" unpacks to more than {MAX_RATIO} times its size.')
    if sum(member.size_bytes for member in members) > MAX_RATIO * max(size_bytes, 1024):
        raise BadFormat("zip_ratio", f"The archive unpacks to more than {MAX_RATIO} times its size.")


def _name(raw: bytes) -> str:
    """A member's name: relative, forward slashes, no dots that climb, no control characters."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFormat("zip_name", "A member's name is not UTF-8.") from error
    parts = name.rstrip("/").split("/")
    unsafe = not name or name.startswith("/") or "\\" in name or ":" in name or not name.isprintable()
    if unsafe or any(part in ("", ".", "..") for part in parts):
        raise BadFormat("zip_name", f'The member name "{printable(name)}" is not a plain relative path.')
    return name


def _method(method: int) -> int:
    if method not in (STORED, DEFLATED):
        raise BadFormat("zip_method", f"A member is packed by method {method}; only 0 and 8 are read.")
    return method


def _flags(flags: int) -> int:
    if flags & ~_FLAGS_ALLOWED:
        raise BadFormat("zip_flags", "A member is encrypted or uses an unusual feature.")
    return flags


def _read_at(stream: BinaryIO, start: int, length: int) -> bytes:
    """Exactly `length` bytes from `start`, or a refusal."""
    stream.seek(start, os.SEEK_SET)
    raw = stream.read(length)
    if len(raw) != length:
        raise BadFormat("zip_truncated", "The archive ends inside one of its records.")
    return raw
