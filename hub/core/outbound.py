"""Requests of ours to addresses that strangers typed. Knows no Django.

A name is resolved once, every answer must be an address of the public internet, and the connection goes to exactly the
address that was checked: a name that answers otherwise a moment later changes nothing. No redirects, no proxies, ports
80 and 443. Hosts that an operator names are let through as `host:port`.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

MAX_URL = 2_000
PORTS = {"http": 80, "https": 443}
READ_BYTES = 64 * 1024
CONNECT_S = 5.0
WHOLE_S = 10.0
RESOLVE_S = 3.0
MAX_TRIED = 3

Resolver = Callable[[str, int], list[str]]
_PLAIN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?\.?")
# Ways to write an IPv4 address inside an IPv6 one, and networks that Python's tables call global or forget.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of a network of one's own
        "2001::/23",  # Teredo and other assignments of the IETF
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local
        "192.0.0.0/24",  # assignments of the IETF
        "192.88.99.0/24",  # 6to4 relays
        "100.64.0.0/10",  # carriers' own
    )
)
_UNICAST = ipaddress.ip_network("2000::/3")  # All of IPv6 that is given out.


class BadUrl(ValueError):
    """An address that nothing is ever sent to; the text says why."""


class Unresolvable(OSError):
    """The name has no address now."""


class Refused(BadUrl):
    """The name leads, at least by one answer, to where strangers may not send us."""


@dataclass(frozen=True)
class Target:
    """An address taken apart. `origin` is what the Host header says."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def endpoint(self) -> str:
        """As an operator names it in the list of exceptions."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    """What came back. `body` is the beginning only."""

    status: int
    body: bytes
    duration_ms: int


def read_url(url: str, *, allow: Collection[str] = ()) -> Target:
    """Take an address apart.

    Raises:
        BadUrl: it is not http or https, carries a name or password, or has a port that is not taken.
    """
    if len(url) > MAX_URL:
        raise BadUrl(f"An address has at most {MAX_URL} characters.")
    if not _PLAIN.fullmatch(url):
        raise BadUrl("An address holds no spaces and no letters beyond ASCII; encode them.")
    parts, port = _split(url)
    if parts.scheme not in PORTS:
        raise BadUrl("An address starts with https:// or http://.")
    if "@" in parts.netloc or "\\" in url:
        raise BadUrl("An address carries no name and no password.")
    host = (parts.hostname or "").lower()
    if not _is_host(host):
        raise BadUrl("This is not an address with a host.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, path)
    if target.port not in PORTS.values() and target.endpoint not in allow:
        raise BadUrl("Only the ports 80 and 443 are reached.")
    return target


def check_url(url: str, *, allow: Collection[str] = (), resolver: Resolver | None = None) -> Target:
    """What can be said when an address is typed in: a name that has no address now may get one later.

    Raises:
        BadUrl: see `read_url`.
        Refused: it leads to a private address.
    """
    target = read_url(url, allow=allow)
    try:
        resolve(target, allow=allow, resolver=resolver)
    except Unresolvable:
        return target
    return target


def resolve(target: Target, *, allow: Collection[str] = (), resolver: Resolver | None = None) -> list[str]:
    """The addresses of a target, asked for once. All of them may be connected to.

    Raises:
        Unresolvable: there is none, or no answer in time.
        Refused: one of them is not of the public internet.
    """
    found = (resolver or _system_resolver)(target.host, target.port)
    if not found:
        raise Unresolvable(f"{target.host} has no address.")
    if target.endpoint not in allow and not all(is_public(address) for address in found):
        raise Refused(f"{target.host} leads to an address that is not of the public internet.")
    return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """Is this a unicast address of the public internet, written as itself?"""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if "%" in address or any(found.version == net.version and found in net for net in _NEVER):
        return False
    if found.version == 6 and found not in _UNICAST:
        return False
    odd = found.is_multicast or found.is_reserved or found.is_unspecified or found.is_loopback or found.is_link_local
    return found.is_global and not found.is_private and not odd


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allow: Collection[str] = (),
    resolver: Resolver | None = None,
    whole_s: float = WHOLE_S,
) -> Answer:
    """Send one POST and read the beginning of the answer, all within `whole_s` seconds.

    Raises:
        BadUrl, Refused, Unresolvable
        OSError: no connection, a broken or endless answer, a certificate that does not fit.
    """
    target = read_url(url, allow=allow)
    addresses = resolve(target, allow=allow, resolver=resolver)
    started = time.monotonic()
    failure: OSError = Unresolvable(f"{target.host} has no address.")
    for address in addresses[:MAX_TRIED]:
        connection = _Pinned(target, address, timeout=CONNECT_S)
        try:
            connection.connect()
        except OSError as error:
            failure = error
            connection.close()
            continue
        left = whole_s - (time.monotonic() - started)
        status, beginning = _exchange(connection, target, body, headers, left)
        return Answer(status, beginning, round((time.monotonic() - started) * 1000))
    raise failure


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever the name says by now; the name is for Host, SNI and the certificate."""

    def __init__(self, target: Target, address: str, *, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self._target = target
        self._address = address

    def connect(self) -> None:
        self.sock: Any = socket.create_connection((self._address, self._target.port), self.timeout)
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            try:
                self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)
            except BaseException:
                self.sock.close()
                raise


def _exchange(
    connection: _Pinned, target: Target, body: bytes, headers: Mapping[str, str], left_s: float
) -> tuple[int, bytes]:
    """Send and read. A watchdog closes the connection at the deadline, however slowly the other side drips.

    A status that came in time counts, with as much of the body as came.
    """
    sock = connection.sock
    sock.settimeout(max(left_s, 0.1))
    late = threading.Event()

    def cut() -> None:
        late.set()
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            sock.close()

    watchdog = threading.Timer(max(left_s, 0.1), cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("POST", target.path, body=body, headers={"Host": target.origin, **headers})
        response = connection.getresponse()
        return response.status, response.read(READ_BYTES)
    except (http.client.HTTPException, OSError, ValueError) as error:
        if late.is_set():
            raise TimeoutError("It did not answer in time.") from error
        raise error if isinstance(error, OSError) else OSError(f"Its answer is not HTTP: {error}"[:200]) from error
    finally:
        watchdog.cancel()
        connection.close()


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise BadUrl("This is not an address.") from error


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return "%" not in host and ipaddress.ip_address(host).version == 6
        except ValueError:
            return False
    return len(host) <= 253 and ".." not in host and _HOST.fullmatch(host) is not None


def _system_resolver(host: str, port: int) -> list[str]:
    """The system's answer. It has no time limit of its own, so it is waited for beside."""
    found: list[str] = []
    failure: list[OSError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(row[4][0]) for row in rows)
        except (OSError, UnicodeError) as error:
            failure.append(OSError(str(error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(RESOLVE_S)
    if thread.is_alive() or failure:
        raise Unresolvable(f"{host} has no address now.")
    return list(found)
