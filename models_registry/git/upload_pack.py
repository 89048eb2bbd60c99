"""Answers to `git fetch` and `git clone`, in version 2 of the protocol and in the one before it."""

import re
from collections.abc import Iterable, Iterator, Mapping

from models_registry.git.exceptions import MalformedRequest
from models_registry.git.packing import write_pack
from models_registry.git.pktline import (
    DATA,
    DELIMITER,
    FATAL,
    FLUSH,
    MAX_BAND_BYTES,
    PROGRESS,
    Mark,
    Readable,
    line,
    on_band,
    packet,
    read_packets,
)
from models_registry.git.refs import AGENT, visible_refs
from models_registry.git.selection import Selection, Wish, blob_limit
from models_registry.models import HeldObject, Repository
from models_registry.types import BRANCH

MAX_LINES = 200_000
Held = Mapping[str, HeldObject]
_OID = re.compile(r"[0-9a-f]{40}")
_SWITCHES = {
    "deepen-relative": "is_relative",
    "done": "is_done",
    "wait-for-done": "wait_for_done",
    "include-tag": "include_tags",
}
_CAPABILITIES = (
    "multi_ack_detailed side-band-64k no-progress include-tag shallow deepen-since deepen-not deepen-relative filter "
    "ofs-delta thin-pack allow-tip-sha1-in-want allow-reachable-sha1-in-want"
)


def advertise_v2() -> Iterator[bytes]:
    """What can be asked."""
    for text in ("version 2", AGENT, "ls-refs=unborn", "fetch=shallow wait-for-done filter", "object-format=sha1"):
        yield line(text)
    yield FLUSH


def advertise(repository: Repository) -> Iterator[bytes]:
    """All refs, for clients that do not speak version 2."""
    head = BRANCH + repository.default_branch
    refs = visible_refs(repository)
    target = next((ref.target for ref in refs if ref.name == head), None)
    lines = [(target, "HEAD")] if target else []
    for ref in refs:
        lines.append((ref.target, ref.name))
        if ref.is_annotated:
            lines.append((ref.commit, ref.name + "^{}"))
    capabilities = f"{_CAPABILITIES} symref=HEAD:{head} object-format=sha1 {AGENT}"
    for number, (oid, name) in enumerate(lines or [("0" * 40, "capabilities^{}")]):
        yield line(f"{oid} {name}" + ("" if number else f"\0{capabilities}"))
    yield FLUSH


def answer_v2(repository: Repository, body: Readable, *, held: Held) -> Iterator[bytes]:
    """One command of version 2.

    Args:
        held: what this caller is not given, by the objects' ids. A fetch that needs one of them is refused.

    Raises:
        MalformedRequest: before the first byte of the answer.
    """
    packets = read_packets(body, limit=MAX_LINES)
    command, arguments = "", list[str]()
    for found in packets:
        if found is Mark.DELIMITER:
            arguments = list(_texts(packets))
            break
        if isinstance(found, Mark):
            break
        text = _text(found)
        if text.startswith("command="):
            command = text.removeprefix("command=")
        elif text.startswith("object-format=") and text != "object-format=sha1":
            raise MalformedRequest(reason="only the object format sha1 is spoken here.")
    if command == "ls-refs":
        return _ls_refs(repository, arguments)
    if command == "fetch":
        return _fetch(repository, arguments, held)
    raise MalformedRequest(reason=f"unknown command {command[:50]!r}.")


def _ls_refs(repository: Repository, arguments: list[str]) -> Iterator[bytes]:
    prefixes = tuple(text.removeprefix("ref-prefix ") for text in arguments if text.startswith("ref-prefix "))
    with_symrefs, with_peeled = "symrefs" in arguments, "peel" in arguments
    head = BRANCH + repository.default_branch
    refs = visible_refs(repository)
    target = next((ref.target for ref in refs if ref.name == head), None)
    symref = f" symref-target:{head}" if with_symrefs else ""
    if not prefixes or "HEAD".startswith(prefixes):
        if target:
            yield line(f"{target} HEAD{symref}")
        elif "unborn" in arguments:
            yield line(f"unborn HEAD{symref}")
    for ref in refs:
        if not prefixes or ref.name.startswith(prefixes):
            peeled = f" peeled:{ref.commit}" if with_peeled and ref.is_annotated else ""
            yield line(f"{ref.target} {ref.name}{peeled}")
    yield FLUSH


def _fetch(repository: Repository, arguments: list[str], held: Held) -> Iterator[bytes]:
    wish = Wish()
    for text in arguments:
        _read_argument(wish, text)
    blob_limit(wish.filter)
    selection = Selection(repository, wish)
    is_ready = wish.is_done or (not wish.wait_for_done and selection.is_enough)
    return _fetched(wish, selection, held, is_ready=is_ready)


def _fetched(wish: Wish, selection: Selection, held: Held, *, is_ready: bool) -> Iterator[bytes]:
    if not wish.is_done:
        yield line("acknowledgments")
        for oid in selection.common:
            yield line(f"ACK {oid}")
        if not selection.common:
            yield line("NAK")
        if not is_ready:
            yield FLUSH
            return
        yield line("ready")
        yield DELIMITER
    if wish.deepens:
        yield line("shallow-info")
        yield from _depth_lines(selection)
        yield DELIMITER
    yield line("packfile")
    yield from _pack(selection, held)


def _depth_lines(selection: Selection) -> Iterator[bytes]:
    for oid in sorted(selection.shallow):
        yield line(f"shallow {oid}")
    for oid in sorted(selection.unshallow):
        yield line(f"unshallow {oid}")


def answer(repository: Repository, body: Readable, *, held: Held) -> Iterator[bytes]:
    """One round of the older protocol: each request repeats all that was said before. `held` as in `answer_v2`.

    Raises:
        MalformedRequest: before the first byte of the answer.
    """
    packets = read_packets(body, limit=MAX_LINES)
    wish = Wish()
    for text in _texts(packets):
        if not wish.wants and text.startswith("want "):
            text, _, capabilities = text.partition(" ")[2].partition(" ")
            text, wish.include_tags = f"want {text}", "include-tag" in capabilities.split()
            wish.is_relative = "deepen-relative" in capabilities.split()
            if not {"side-band-64k", "multi_ack_detailed"} <= set(capabilities.split()):
                raise MalformedRequest(reason="this client is too old for this hub; it must know side-band-64k.")
        _read_argument(wish, text)
    if not wish.wants:
        return iter(())
    for found in packets:
        if not isinstance(found, Mark):
            _read_argument(wish, _text(found))
    blob_limit(wish.filter)
    return _answered(wish, Selection(repository, wish), held)


def _answered(wish: Wish, selection: Selection, held: Held) -> Iterator[bytes]:
    if wish.deepens:
        yield from _depth_lines(selection)
        yield FLUSH
    common = selection.common
    if not wish.is_done:
        for oid in common:
            yield line(f"ACK {oid} common")
        if selection.is_enough:
            yield line(f"ACK {common[-1]} ready")
        if wish.haves or not wish.deepens:
            yield line("NAK")
        return
    for oid in common:
        yield line(f"ACK {oid} common")
    yield line(f"ACK {common[-1]}" if common else "NAK")
    yield from _pack(selection, held)


def _pack(selection: Selection, held: Held) -> Iterator[bytes]:
    """The pack on the side band. What fails half way ends with a word instead of a pack that looks whole."""
    oids = selection.objects()
    refused = next((held[oid] for oid in oids if oid in held), None) if held else None
    if refused is not None:
        yield from on_band(FATAL, _held_back(refused).encode()[:MAX_BAND_BYTES])
        return
    yield from on_band(PROGRESS, f"Sending {len(oids)} objects.\n".encode())
    sent = 0

    def objects() -> Iterator[tuple[int, bytes]]:
        nonlocal sent
        for each in selection.read(oids):
            sent += 1
            yield each

    pieces = _filled(write_pack(len(oids), objects()))
    last = b""
    for piece in pieces:  # The checksum is held back until it is known that nothing was missing.
        if last:
            yield from on_band(DATA, last)
        last = piece
    if sent != len(oids):
        yield from on_band(FATAL, b"Objects vanished while they were sent. Fetch again.\n")
    else:
        yield from on_band(DATA, last)
        yield FLUSH


def _held_back(row: HeldObject) -> str:
    """Git checks that it has every file, so none can be left out of a pack: the fetch is refused, with a way around."""
    return (
        f"“{row.path[:200]}” is held back by the scan of this hub. {row.reason[:400]}\n"
        "Readers do not get it, so a clone of this history cannot be whole. `smallhub pull` brings the other files; "
        "by git: clone with --filter=blob:none --no-checkout and leave it out by a sparse checkout.\n"
        "Whoever writes here gets it with -c http.extraHeader='Authorization: Bearer TOKEN'.\n"
    )


def _filled(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that fill a packet."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= MAX_BAND_BYTES:
            yield bytes(held[:MAX_BAND_BYTES])
            del held[:MAX_BAND_BYTES]
    yield bytes(held)


def _read_argument(wish: Wish, text: str) -> None:
    """Note one line of a fetch.

    Raises:
        MalformedRequest: it cannot be understood. Unknown words without a value are hints and are passed over.
    """
    word, _, value = text.partition(" ")
    if word in {"want", "have", "shallow"}:
        if not _OID.fullmatch(value):
            raise MalformedRequest(reason=f"{word} names no object.")
        if word == "shallow":
            wish.shallow.add(value)
        else:
            (wish.wants if word == "want" else wish.haves).append(value)
    elif word in {"deepen", "deepen-since"}:
        if not (value.isascii() and value.isdigit() and len(value) <= 10):
            raise MalformedRequest(reason=f"{word} needs a number.")
        setattr(wish, "depth" if word == "deepen" else "since", int(value))
    elif word == "deepen-not":
        wish.without.append(value)
    elif word == "filter":
        wish.filter = value
    elif text in _SWITCHES:
        setattr(wish, _SWITCHES[text], True)
    elif value:
        raise MalformedRequest(reason=f"unknown argument {word[:50]!r}.")


def _texts(packets: Iterator[bytes | Mark]) -> Iterator[str]:
    """Lines up to the next mark."""
    for found in packets:
        if isinstance(found, Mark):
            return
        yield _text(found)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").removesuffix("\n")


def error_packet(message: str) -> bytes:
    """How a fetch says no where the client expects packets."""
    return packet(f"ERR {message}".encode()[:1000])
