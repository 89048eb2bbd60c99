"""What `git push` sends and wants to hear: commands, a pack, a report."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from models_registry.git.exceptions import MalformedRequest
from models_registry.git.pktline import DATA, FLUSH, PROGRESS, Mark, Readable, line, on_band, read_packet
from models_registry.git.refs import AGENT, visible_refs
from models_registry.models import Repository

MAX_COMMANDS = 1_000
_CAPABILITIES = f"report-status delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 {AGENT}"
_COMMAND = re.compile(r"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0\n]{1,250})")


@dataclass(frozen=True, slots=True)
class Command:
    old: str
    new: str
    name: str


@dataclass
class Order:
    """What a push asks for, before its pack."""

    commands: list[Command] = field(default_factory=list)
    capabilities: frozenset[str] = frozenset()

    @property
    def has_pack(self) -> bool:
        return any(command.new.strip("0") for command in self.commands)


def advertise(repository: Repository) -> Iterator[bytes]:
    """Every ref as it is, for the client to compare."""
    lines = [(ref.target, ref.name) for ref in visible_refs(repository)]
    for number, (oid, name) in enumerate(lines or [("0" * 40, "capabilities^{}")]):
        yield line(f"{oid} {name}" + ("" if number else f"\0{_CAPABILITIES}"))
    yield FLUSH


def read_order(stream: Readable) -> Order:
    """The commands; the stream then stands at the pack.

    Raises:
        MalformedRequest: not a push, too many refs, or a ref twice.
    """
    order = Order()
    seen: set[str] = set()
    while True:
        found = read_packet(stream)
        if found is None or isinstance(found, Mark):
            return order
        text, _, capabilities = found.decode("utf-8", "replace").removesuffix("\n").partition("\0")
        if text.startswith("shallow "):
            continue  # Whether the parents are here is seen from the commits themselves.
        match = _COMMAND.fullmatch(text)
        if match is None:
            raise MalformedRequest(reason="a line of the push is no command.")
        if capabilities:
            order.capabilities = frozenset(capabilities.split())
        if match[3] in seen:
            raise MalformedRequest(reason="a ref is named twice.")
        seen.add(match[3])
        order.commands.append(Command(*match.groups()))
        if len(order.commands) > MAX_COMMANDS:
            raise MalformedRequest(reason=f"at most {MAX_COMMANDS} refs can be pushed at once.")


def report(order: Order, *, unpacked: str, refused: Mapping[str, str], lines: Sequence[str]) -> bytes:
    """The answer to a push.

    Args:
        unpacked: "ok", or why the pack was not taken.
        refused: why a ref was not moved, by its name.
        lines: for the person, shown behind `remote:`.
    """
    status = b""
    if "report-status" in order.capabilities:
        status = line(f"unpack {_one_line(unpacked)}")
        for command in order.commands:
            reason = refused.get(command.name)
            status += line(f"ng {command.name} {_one_line(reason)}" if reason else f"ok {command.name}")
        status += FLUSH
    if "side-band-64k" not in order.capabilities:
        return status
    words = "".join(f"{_one_line(each)}\n" for each in lines)
    return b"".join([*on_band(PROGRESS, words.encode()), *on_band(DATA, status), FLUSH])


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]
