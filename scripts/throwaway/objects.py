"""A real S3 server: Ceph's gateway over one monitor, one manager and one object daemon that keeps all in memory.

Authentication inside the cluster stays on, for without it the daemons wait for each other without a word.
"""

import json
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from throwaway.processes import ServerFailed, Servers, free_port, run_once, tail, wait_until

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-mgr", "ceph-osd", "ceph", "ceph-authtool", "monmaptool")
BUCKET = "smallhub"
SETTINGS = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_port}]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
run dir = {folder}/run
admin socket =
log file =
log to stderr = true
err to stderr = true
pid file =
mon data = {folder}/mon
mgr data = {folder}/mgr
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 8589934592
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mgr initial modules =
osd class load list = *
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
rgw enable usage log = false
rgw dns name =
rgw relaxed s3 bucket names = true
"""


def start_s3(folder: Path, servers: Servers) -> dict[str, str]:
    """Start the gateway, make a bucket and a user, and return the environment by which the hub finds them."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise ServerFailed(f"These programs of Ceph are not installed: {', '.join(missing)}.")
    for name in ("", "run", "mon", "mgr", "osd"):
        (folder / name).mkdir(mode=0o700)
    cluster = _Cluster(folder, servers)
    cluster.make_keys()
    cluster.start_monitor()
    cluster.start_manager()
    cluster.start_store()
    port = cluster.start_gateway()
    key, secret = cluster.make_user()
    environment = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    url = f"s3://{BUCKET}/?endpoint_url=http://127.0.0.1:{port}&region=us-east-1&path_style=1&create=1"
    return environment | {"SMALLHUB_BLOBS": url}


class _Cluster:
    def __init__(self, folder: Path, servers: Servers) -> None:
        self.folder, self.servers = folder, servers
        self.log = folder / "log"
        self.log.touch()
        self.settings, self.keyring = folder / "ceph.conf", folder / "keyring"
        self.fsid, self.mon_port = str(uuid.uuid4()), free_port()
        self.settings.write_text(SETTINGS.format(fsid=self.fsid, mon_port=self.mon_port, folder=folder))

    def run(self, *command: str | Path) -> None:
        run_once(command, self.log, what=str(command[0]))

    def ask(self, *command: str) -> str:
        done = subprocess.run(
            [*command, "-c", str(self.settings)], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ServerFailed(f"{' '.join(command)} failed.\n{done.stderr[-2000:]}\n{tail(self.log)}")
        return done.stdout

    def make_keys(self) -> None:
        """All keys in one ring, known to the monitor from its first moment."""
        everything = {
            "mon.": {"mon": "allow *"},
            "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
            "mgr.x": {"mon": "allow profile mgr", "osd": "allow *"},
            "osd.0": {"mon": "allow profile osd", "mgr": "allow profile osd", "osd": "allow *"},
            "client.rgw": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
        }
        self.keyring.touch(mode=0o600)
        for name, rights in everything.items():
            caps = [part for what, right in rights.items() for part in ("--cap", what, right)]
            self.run("ceph-authtool", self.keyring, "--gen-key", "-n", name, *caps)

    def start_monitor(self) -> None:
        monmap = self.folder / "monmap"
        address = f"[v2:127.0.0.1:{self.mon_port}]"
        self.run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", address, monmap)
        common = ("-c", self.settings, "-i", "a")
        self.run("ceph-mon", "--mkfs", *common, "--monmap", monmap, "--keyring", self.keyring)
        self.servers.start(["ceph-mon", "-f", *common], self.log)

    def start_manager(self) -> None:
        self.servers.start(["ceph-mgr", "-f", "-c", self.settings, "-i", "x"], self.log)

    def start_store(self) -> None:
        identity = str(uuid.uuid4())
        self.ask("ceph", "osd", "new", identity, "0")
        common = ("-c", self.settings, "-i", "0")
        self.run("ceph-osd", "--mkfs", *common, "--osd-uuid", identity)
        server = self.servers.start(["ceph-osd", "-f", *common], self.log)
        wait_until("Ceph's object daemon", server, self.log, self._store_is_up)

    def _store_is_up(self) -> bool:
        return bool(json.loads(self.ask("ceph", "osd", "stat", "-f", "json"))["num_up_osds"])

    def start_gateway(self) -> int:
        port = free_port()
        frontend = f"--rgw-frontends=beast endpoint=127.0.0.1:{port}"
        command = ["radosgw", "-f", "-c", self.settings, "-n", "client.rgw", frontend, "--rgw-thread-pool-size=64"]
        server = self.servers.start(command, self.log)
        wait_until("Ceph's gateway", server, self.log, lambda: _answers(port))
        return port

    def make_user(self) -> tuple[str, str]:
        key, secret = secrets.token_hex(10).upper(), secrets.token_hex(20)
        names = ("--uid=smallhub", "--display-name=Smallhub", f"--access-key={key}", f"--secret-key={secret}")
        self.ask("radosgw-admin", "user", "create", *names, "-n", "client.rgw")
        return key, secret


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
