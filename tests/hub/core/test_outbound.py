"""Where strangers may send us. Real sockets and a resolver that answers what an attacker's would."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hub.core import outbound
from hub.core.outbound import BadUrl, Refused, Unresolvable, check_url, is_public, post, read_url


class Receiver:
    """A server on loopback that answers every request with the same bytes, and counts connections."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.requests: list[bytes] = []
        receiver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                received = b""
                while b"\r\n\r\n" not in received:
                    piece = self.request.recv(65536)
                    if not piece:
                        break
                    received += piece
                receiver.requests.append(received)
                answer(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self.allow = [f"127.0.0.1:{self.port}"]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"


def says(text: bytes) -> Callable[[socket.socket], None]:
    def answer(peer: socket.socket) -> None:
        peer.sendall(text)

    return answer


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(answer: Callable[[socket.socket], None]) -> Receiver:
        made.append(Receiver(answer))
        return made[-1]

    yield make
    for each in made:
        each.server.shutdown()
        each.server.server_close()


def answers(*rounds: list[str]) -> outbound.Resolver:
    """A resolver whose answer changes from question to question."""
    left = list(rounds)

    def ask(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return ask


PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "nonsense",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_but_the_public_internet_is_reached(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(Refused):
        check_url("https://hook.example/x", resolver=answers([address]))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_the_public_internet_is(address: str) -> None:
    assert is_public(address)
    assert check_url("https://hook.example/x", resolver=answers([address])).host == "hook.example"


def test_one_private_answer_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Refused):
        check_url("https://hook.example/", resolver=answers(["8.8.8.8", "127.0.0.1"]))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://127.0.0.1./",
    ],
)
def test_other_spellings_of_loopback_are_refused_by_the_systems_resolver(url: str) -> None:
    try:
        check_url(url)
    except BadUrl:
        return
    with pytest.raises((BadUrl, Unresolvable)):  # A spelling that this system does not know is never connected to.
        post(url, body=b"", headers={})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "ftp://hook.example/",
        "file:///etc/passwd",
        "gopher://hook.example/",
        "https://",
        "https:///path",
        "https://user@hook.example/",
        "https://user:word@hook.example/",
        "https://hook.example:8080/",
        "https://hook.example:22/",
        "https://hook.example:0/",
        "https://hook.example:99999/",
        "https://hook.example:x/",
        "https://hook.example/ x",
        "https://hook.example/\r\nX: y",
        "https://hook.example\\@127.0.0.1/",
        "https://bücher.example/",
        "https://-hook.example/",
        "https://hook..example/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://hook.example/" + "x" * 2000,
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        read_url(url)


def test_a_name_without_an_address_is_taken_now_and_refused_when_something_is_sent() -> None:
    def silent(host: str, port: int) -> list[str]:
        raise Unresolvable(host)

    assert check_url("https://later.example/", resolver=silent).host == "later.example"
    assert check_url("https://nothing.invalid/").host == "nothing.invalid"
    with pytest.raises(Unresolvable):
        post("https://later.example/", body=b"", headers={}, resolver=silent)


def test_a_name_that_turns_private_after_it_was_typed_in_gets_no_connection(receiver) -> None:
    there = receiver(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    turning = answers(["8.8.8.8"], ["127.0.0.1"])
    url = "http://hook.example/"
    check_url(url, resolver=turning)

    with pytest.raises(Refused):
        post(url, body=b"{}", headers={}, resolver=turning)

    assert there.requests == []


def test_the_name_is_asked_for_once_for_each_message(receiver) -> None:
    there = receiver(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    asked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = f"http://hook.example:{there.port}/"
    answer = post(url, body=b"{}", headers={}, allow=[f"hook.example:{there.port}"], resolver=once)

    assert answer.status == 200
    assert asked == ["hook.example"]
    assert f"Host: hook.example:{there.port}".encode() in there.requests[0]


def test_a_message_arrives_with_its_headers_and_the_answer_comes_back(receiver) -> None:
    there = receiver(says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"))

    answer = post(there.url, body=b'{"a":1}', headers={"X-Word": "yes"}, allow=there.allow)

    assert (answer.status, answer.body) == (202, b"ok")
    assert there.requests[0].startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert b"X-Word: yes\r\n" in there.requests[0]
    assert b"Content-Length: 7\r\n" in there.requests[0]


def test_redirects_are_not_followed(receiver) -> None:
    other = receiver(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    there = receiver(says(f"HTTP/1.1 302 Found\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()))

    answer = post(there.url, body=b"", headers={}, allow=[*there.allow, *other.allow])

    assert (answer.status, other.requests) == (302, [])


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch) -> None:
    proxy = receiver(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    there = receiver(says(b"HTTP/1.1 204 No Content\r\n\r\n"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    assert post(there.url, body=b"", headers={}, allow=there.allow).status == 204
    assert proxy.requests == []


def test_an_endless_answer_is_read_up_to_a_limit(receiver) -> None:
    def flood(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            for _ in range(10_000):
                peer.sendall(b"x" * 65536)
        except OSError:
            return

    there = receiver(flood)

    assert len(post(there.url, body=b"", headers={}, allow=there.allow).body) == outbound.READ_BYTES


def dripping(beginning: bytes) -> Callable[[socket.socket], None]:
    def answer(peer: socket.socket) -> None:
        try:
            peer.sendall(beginning)
            for _ in range(100):
                time.sleep(0.1)
                peer.sendall(b"x")
        except OSError:
            return

    return answer


def test_a_status_that_drips_is_cut_off(receiver) -> None:
    there = receiver(dripping(b"H"))
    started = time.monotonic()

    with pytest.raises(OSError, match="in time"):
        post(there.url, body=b"", headers={}, allow=there.allow, whole_s=0.5)

    assert time.monotonic() - started < 8


def test_a_body_that_drips_is_left_after_a_while(receiver) -> None:
    there = receiver(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"))
    started = time.monotonic()

    answer = post(there.url, body=b"", headers={}, allow=there.allow, whole_s=0.5)

    assert answer.status == 200
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    "answer", [b"", b"\x00\x01", b"HTTP/9.9 nope\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500]
)
def test_what_is_not_http_is_a_failure_and_not_a_crash(receiver, answer) -> None:
    there = receiver(says(answer))

    with pytest.raises(OSError):
        post(there.url, body=b"", headers={}, allow=there.allow)


def test_a_closed_port_is_a_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(OSError):
        post(f"http://127.0.0.1:{port}/", body=b"", headers={}, allow=[f"127.0.0.1:{port}"])


def test_an_exception_is_for_one_host_and_port() -> None:
    with pytest.raises(BadUrl):
        check_url("http://127.0.0.1:8081/", allow=["127.0.0.1:8080"])
    with pytest.raises(Refused):
        check_url("http://127.0.0.1/", allow=["127.0.0.1:8080"])
    assert check_url("http://127.0.0.1:8080/", allow=["127.0.0.1:8080"]).port == 8080


def test_the_certificate_must_fit_the_name(receiver) -> None:
    there = receiver(says(b"HTTP/1.1 200 OK\r\n\r\n"))

    with pytest.raises(OSError):
        post(
            f"https://hook.example:{there.port}/",
            body=b"",
            headers={},
            allow=[f"hook.example:{there.port}"],
            resolver=answers(["127.0.0.1"]),
        )
    assert b"HTTP/1.1" not in b"".join(there.requests)
