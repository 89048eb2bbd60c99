"""A hostile loader: it tries to get out, and reports what worked. Used inside the sandbox and, to prove that each
attempt is real, outside of it. Every attempt returns evidence if it succeeds and raises otherwise. All are harmless:
they touch only canaries that the test made."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bombs import BOMBS, LIKELIHOODS

LIBC = ctypes.CDLL(None, use_errno=True)
runtime, task = "hostile", "text-generation"


def checked(result: int, what: str) -> str:
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return what


def first_that_opens(paths: list[str]) -> str:
    for path in paths:
        try:
            return Path(path).read_bytes()[:200].decode("latin-1")
        except OSError:
            continue
    raise PermissionError(f"none of {len(paths)} opens")


def environment_secret(facts: dict[str, Any]) -> str:
    return os.environ["SMALLHUB_CANARY_SECRET"]


def environment_is_small(facts: dict[str, Any]) -> str:
    if len(os.environ) < 10:
        raise PermissionError("nothing there")
    return f"{len(os.environ)} variables"


def parent_environment(facts: dict[str, Any]) -> str:
    return first_that_opens([f"/proc/{facts['parent']}/environ", f"/proc/{os.getppid()}/environ"])


def parent_command_line(facts: dict[str, Any]) -> str:
    return first_that_opens([f"/proc/{facts['parent']}/cmdline"])


def parent_memory(facts: dict[str, Any]) -> str:
    with open(f"/proc/{facts['parent']}/mem", "rb"):
        return "opened"


def list_processes(facts: dict[str, Any]) -> str:
    seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    if facts["parent"] not in seen:
        raise PermissionError("the parent is not there")
    return f"{len(seen)} processes"


def home_key(facts: dict[str, Any]) -> str:
    return Path(facts["home_key"]).read_text()


def system_accounts(facts: dict[str, Any]) -> str:
    return first_that_opens(["/etc/passwd"])


def project_settings(facts: dict[str, Any]) -> str:
    return Path(facts["project"], "manage.py").read_text()[:20]


def other_job(facts: dict[str, Any]) -> str:
    return Path(facts["other_job"]).read_text()


def list_root(facts: dict[str, Any]) -> str:
    return str(os.listdir("/"))


def side_file(facts: dict[str, Any]) -> str:
    return Path(facts["folder"], "training_args.bin").read_text()


def repository_code(facts: dict[str, Any]) -> str:
    sys.path.insert(0, facts["folder"])
    try:
        import modeling_canary  # type: ignore[import-not-found]
    finally:
        sys.path.remove(facts["folder"])
    return str(modeling_canary.__file__)


def write_elsewhere(facts: dict[str, Any]) -> str:
    Path(facts["writable"], "written").write_text("x")
    return "written"


def write_model(facts: dict[str, Any]) -> str:
    with open(Path(facts["folder"], "config.json"), "ab"):
        return "opened for writing"


def remove_model(facts: dict[str, Any]) -> str:
    Path(facts["folder"], "vocab.txt").unlink()
    return "removed"


def change_mode(facts: dict[str, Any]) -> str:
    os.chmod(Path(facts["folder"], "config.json"), 0o666)
    return "changed"


def change_times(facts: dict[str, Any]) -> str:
    os.utime(Path(facts["folder"], "config.json"), (1, 1))
    return "changed"


def hard_link(facts: dict[str, Any]) -> str:
    os.link(facts["home_key"], Path(tempfile.gettempdir(), "linked"))
    return "linked"


def tcp_socket(facts: dict[str, Any]) -> str:
    with socket.create_connection(("127.0.0.1", facts["port"]), timeout=2) as opened:
        return opened.recv(16).decode()


def udp_name_query(facts: dict[str, Any]) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.settimeout(2)
        opened.sendto(b"\x12\x34\x01\x00\x00\x01", ("127.0.0.1", facts["udp_port"]))
        return opened.recv(16).decode()


def abstract_socket(facts: dict[str, Any]) -> str:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.connect("\0" + facts["abstract"])
        return opened.recv(16).decode()


def unix_socket(facts: dict[str, Any]) -> str:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.connect(facts["unix"])
        return opened.recv(16).decode()


def netlink_socket(facts: dict[str, Any]) -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW):
        return "opened"


def listen(facts: dict[str, Any]) -> str:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        return "listening"


def fork(facts: dict[str, Any]) -> str:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def execute(facts: dict[str, Any]) -> str:
    return subprocess.run(["/bin/echo", "ran"], capture_output=True, check=True, timeout=5).stdout.decode()


def replace_program(facts: dict[str, Any]) -> str:
    # An empty path answers ENOENT when the call itself is allowed, EPERM when it is not.
    LIBC.execve(b"/nonexistent", None, None)
    if ctypes.get_errno() != 2:
        raise OSError(ctypes.get_errno(), "execve")
    return "execve is allowed"


def trace_itself(facts: dict[str, Any]) -> str:
    # PTRACE_TRACEME (0) would stop later signals; PTRACE_PEEKUSER of nobody answers ESRCH when ptrace is allowed.
    LIBC.ptrace(3, 0, 0, 0)
    if ctypes.get_errno() != 3:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "ptrace is allowed"


def signal_parent(facts: dict[str, Any]) -> str:
    os.kill(facts["parent"], 0)
    return "reached"


def signal_everybody(facts: dict[str, Any]) -> str:
    os.kill(-1, 0)
    return "reached"


def limit_parent(facts: dict[str, Any]) -> str:
    return str(resource.prlimit(facts["parent"], resource.RLIMIT_CORE))


def raise_own_limits(facts: dict[str, Any]) -> str:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard + 1, hard + 1) if hard >= 0 else (1, hard))
    return "raised"


def read_parent_memory(facts: dict[str, Any]) -> str:
    own = ctypes.create_string_buffer(8)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(own), 8)
    result = LIBC.process_vm_readv(facts["parent"], vector, 1, vector, 1, 0)
    if result < 0 and ctypes.get_errno() != 14:  # EFAULT: allowed, merely a wrong address.
        raise OSError(ctypes.get_errno(), "process_vm_readv")
    return "allowed"


def new_namespace(facts: dict[str, Any]) -> str:
    with threading_free():
        return checked(LIBC.unshare(0x10000000 if os.getuid() else 0x04000000), "unshared")


def mount(facts: dict[str, Any]) -> str:
    target = facts["writable"].encode()
    checked(LIBC.mount(b"none", target, b"tmpfs", 0, b"size=4k"), "mount")
    return checked(LIBC.umount2(target, 2), "mounted and unmounted")


def change_root(facts: dict[str, Any]) -> str:
    return checked(LIBC.chroot(b"/"), "changed root")


def become_root(facts: dict[str, Any]) -> str:
    os.setresuid(0, 0, 0)
    return "is root" if os.getuid() == 0 and write_elsewhere(facts) else "no"


def change_group(facts: dict[str, Any]) -> str:
    os.setgroups([])
    return "changed"


def keyring(facts: dict[str, Any]) -> str:
    keyctl = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
    return checked(LIBC.syscall(keyctl, 0, -3, 1), "keyring")


def load_bpf(facts: dict[str, Any]) -> str:
    bpf = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # An array map of one value.
    return checked(LIBC.syscall(bpf, 0, attributes, 72), "made a map")


def hidden_memory(facts: dict[str, Any]) -> str:
    os.close(os.memfd_create("canary"))
    return "made"


def shared_memory(facts: dict[str, Any]) -> str:
    made = LIBC.shmget(0, 4096, 0o1600)
    checked(made, "shared memory")
    LIBC.shmctl(made, 0, None)
    return "made"


def message_queue(facts: dict[str, Any]) -> str:
    made = LIBC.msgget(0, 0o1600)
    checked(made, "queue")
    LIBC.msgctl(made, 0, None)
    return "made"


def io_uring(facts: dict[str, Any]) -> str:
    parameters = (ctypes.c_uint32 * 30)()
    made = LIBC.syscall(425, 4, parameters)
    checked(made, "ring")
    os.close(made)
    return "made"


def host_name(facts: dict[str, Any]) -> str:
    name = os.uname().nodename.encode()
    return checked(LIBC.sethostname(name, len(name)), "set")


def device_file(facts: dict[str, Any]) -> str:
    os.mknod(Path(facts["writable"], "null"), 0o600 | 0o020000, os.makedev(1, 3))
    return "made"


def named_pipe(facts: dict[str, Any]) -> str:
    os.mkfifo(Path(facts["writable"], "fifo"))
    return "made"


def metadata_address(facts: dict[str, Any]) -> str:
    """Ask what a rented machine's own address answers with; a stand-in of it, since a test has no cloud."""
    with socket.create_connection(("127.169.254.169", facts["metadata_port"]), timeout=2) as opened:
        opened.sendall(b"GET /latest/meta-data/iam/security-credentials/ HTTP/1.0\r\n\r\n")
        return opened.recv(64).decode()


def answer_key(facts: dict[str, Any]) -> str:
    return Path(facts["answers"]).read_text()


def write_own_score(facts: dict[str, Any]) -> str:
    with sqlite3.connect(facts["scores"]) as rows:
        changed = rows.execute("UPDATE score SET value = 1.0").rowcount
    return f"{changed} score is perfect now"


def result_of_another(facts: dict[str, Any]) -> str:
    """Write into what a job beside this one leaves."""
    with open(facts["other_job"], "a") as stream:
        return f"{stream.write(' ')} character"


def parent_descriptors(facts: dict[str, Any]) -> str:
    return f"{len(os.listdir('/proc/' + str(facts['parent']) + '/fd'))} open files"


def fork_storm(facts: dict[str, Any]) -> str:
    children = []
    for _ in range(50):
        child = os.fork()
        if child == 0:
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return f"{len(children)} processes"


def shared_folder(facts: dict[str, Any]) -> str:
    path = Path("/dev/shm", f"canary-{os.getpid()}")
    path.write_text("x")
    path.unlink()
    return "written for all to see"


def new_session(facts: dict[str, Any]) -> str:
    os.setpgid(0, os.getpgid(0))
    return "moved"


class threading_free:
    """Namespace changes need a process of one thread; say so rather than fail for the wrong reason."""

    def __enter__(self) -> None:
        assert threading.active_count() == 1

    def __exit__(self, *unused: object) -> None:
        return None


ATTEMPTS: list[Callable[[dict[str, Any]], str]] = [
    environment_secret, environment_is_small, parent_environment, parent_command_line, parent_memory, list_processes,
    home_key, system_accounts, project_settings, other_job, list_root, side_file, repository_code,
    write_elsewhere, write_model, remove_model, change_mode, change_times, hard_link,
    tcp_socket, udp_name_query, abstract_socket, unix_socket, netlink_socket, listen,
    fork, execute, replace_program, trace_itself, signal_parent, signal_everybody, limit_parent, raise_own_limits,
    read_parent_memory, new_namespace, mount, change_root, become_root, change_group, keyring, load_bpf,
    hidden_memory, shared_memory, message_queue, io_uring, host_name, device_file, named_pipe, new_session,
    metadata_address, answer_key, write_own_score, result_of_another, parent_descriptors, fork_storm, shared_folder,
]  # fmt: skip


def attempt_all(facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Each attempt by name: `got` with the evidence, or `refused` with the error."""
    outcomes = {}
    for attempt in ATTEMPTS:
        ctypes.set_errno(0)
        try:
            outcomes[attempt.__name__] = {"got": str(attempt(facts))[:100]}
        except BaseException as error:  # noqa: BLE001 - any failure is a refusal.
            outcomes[attempt.__name__] = {"refused": f"{type(error).__name__}: {error}"[:200]}
    return outcomes


class Hostile:
    """What `load` hands back: a model whose every method misbehaves."""

    runtime, task = runtime, task
    capabilities = frozenset({"log_likelihood", "generate", "classify"})

    def __init__(self, outcomes: dict[str, Any]) -> None:
        self.outcomes = outcomes

    def description(self) -> dict[str, Any]:
        return self.outcomes

    def decode(self, ids: list[int]) -> str:
        """Find what an earlier job left behind."""
        found = [str(path) for path in Path(tempfile.gettempdir()).rglob("*")]
        return json.dumps(found)

    def encode(self, text: str) -> list[int]:
        """Leave a marker for a later job."""
        Path(tempfile.gettempdir(), "marker").write_text(text)
        return [1]

    def log_likelihood(self, texts: list[str]) -> Any:
        return LIKELIHOODS[texts[0]]()

    def classify(self, texts: list[str]) -> Any:
        return [{"labels": ["a"], "probabilities": [1.0, 2.0]}]

    def generate(self, prompt: str) -> Any:
        said = BOMBS[prompt]()
        return {
            "text": said if isinstance(said, str) else "survived",
            "token_ids": [],
            "finish": "stop",
            "prompt_tokens": 0,
            "cut_tokens": 0,
        }


def load(folder: Path, *, threads: int | None = None) -> Hostile:
    """The loader's contract, with bad intentions."""
    facts = json.loads(Path(folder, "config.json").read_text())
    if facts.get("at_load"):
        BOMBS[facts["at_load"]]()
    return Hostile(attempt_all({**facts, "folder": str(folder)}) if facts.get("attempt") else {})


if __name__ == "__main__":
    print(json.dumps(attempt_all(json.loads(sys.argv[1]))))
