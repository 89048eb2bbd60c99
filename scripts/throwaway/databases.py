"""PostgreSQL on a socket file, and Redis on a free loopback port."""

import shutil
import socket
import subprocess
from pathlib import Path

from throwaway.processes import ServerFailed, Servers, as_user, free_port, is_root, run_once, wait_until

ROLE = "smallhub"
# Nothing here outlives the command, so nothing has to reach the disk.
POSTGRES_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


def start_postgres(folder: Path, servers: Servers) -> str:
    """Make a cluster, start it on a socket file, and return its address."""
    programs = postgres_programs()
    owner = "postgres" if is_root() else None  # PostgreSQL refuses to run as root.
    folder.mkdir(mode=0o700)
    if owner:
        shutil.chown(folder, owner, owner)
    data, log = folder / "data", folder / "log"
    log.touch()
    initdb = [programs / "initdb", "-D", data, "-U", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-N"]
    run_once(initdb, log, what="initdb", owner=owner)
    settings = [part for setting in POSTGRES_SETTINGS for part in ("-c", setting)]
    server = servers.start([programs / "postgres", "-D", data, "-k", folder, *settings], log, owner=owner)
    ready = [programs / "pg_isready", "-q", "-h", folder, "-U", ROLE]
    wait_until("PostgreSQL", server, log, lambda: subprocess.run(ready, check=False).returncode == 0)
    subprocess.run([programs / "createdb", "-h", folder, "-U", ROLE, ROLE], cwd=folder, check=True, **as_user(owner))
    return f"postgresql://{ROLE}@/{ROLE}?host={folder}"


def start_redis(folder: Path, servers: Servers) -> str:
    """Start Redis on a free loopback port and return its address."""
    program = shutil.which("redis-server")
    if program is None:
        raise ServerFailed("redis-server is not installed.")
    folder.mkdir(mode=0o700)
    log, port = folder / "log", free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    server = servers.start([program, *options], log)
    wait_until("Redis", server, log, lambda: answers_ping(port))
    return f"redis://127.0.0.1:{port}/0"


def postgres_programs() -> Path:
    """The folder of the newest PostgreSQL server; Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    if program is None:
        raise ServerFailed("PostgreSQL is not installed.")
    return Path(program).resolve().parent


def answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
    except OSError:
        return False
