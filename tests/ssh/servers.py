"""Real ssh servers, each with a `/srv` of its own.

Each sshd runs in a mount namespace in which a private directory is mounted over `/srv`, so that
many targets with the same path live on one machine. They listen on ports of this machine, or in a
network of their own, and take one key. Who logs in has `/srv` as home, so that nobody's `.bashrc`
takes part.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.programs import need

SSHD = "/usr/sbin/sshd"
WHOLE = """
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
UseDNS no
PidFile none
LogLevel VERBOSE
SetEnv HOME=/srv
"""


def need_servers() -> None:
    """Skips a test where ssh servers cannot be started; fails where they have to be."""
    need("sshd" if shutil.which("sshd") else SSHD)
    need("ssh")
    need("unshare")
    possible = os.geteuid() == 0 and (
        subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    )
    if not possible:
        reason = "targets of ssh need mount namespaces of their own, and so root"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    Path("/run/sshd").mkdir(exist_ok=True)


@dataclass(frozen=True)
class Network:
    """A network namespace, and the cable to it from this machine."""

    name: str
    address: str

    @classmethod
    def make(cls, number: int) -> Network:
        """Skips a test where there cannot be one; fails where there has to be. `number`: of a port
        that nobody else has, so that nobody else has these names and addresses.
        """
        ip = need("ip")
        name, block = f"srt{number}", number % (1 << 14)
        here, there = (f"10.213.{block >> 6}.{4 * (block & 63) + one}" for one in (1, 2))
        network = cls(name, there)
        for words in (
            ["netns", "add", name],
            ["link", "add", name, "type", "veth", "peer", "name", "cable", "netns", name],
            ["addr", "add", f"{here}/30", "dev", name],
            ["link", "set", name, "up"],
            ["-n", name, "addr", "add", f"{there}/30", "dev", "cable"],
            ["-n", name, "link", "set", "cable", "up"],
        ):
            done = subprocess.run([ip, *words], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                network.remove()
                reason = f"a target that can be cut off needs a network namespace: {done.stderr}"
                assert os.environ.get("CI") != "true", reason
                pytest.skip(reason)
        return network

    def cut(self) -> None:
        """Nothing comes through any more, and nobody is told."""
        subprocess.run(["ip", "-n", self.name, "link", "set", "cable", "down"], check=True)

    def mend(self) -> None:
        subprocess.run(["ip", "-n", self.name, "link", "set", "cable", "up"], check=True)

    def remove(self) -> None:
        for words in (["link", "del", self.name], ["netns", "del", self.name]):
            subprocess.run(["ip", *words], capture_output=True, check=False)


@dataclass
class Server:
    """One target. `srv` is what is mounted over its `/srv`, `log` what its sshd writes."""

    name: str
    port: int
    srv: Path
    log: Path
    config: Path
    network: Network | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        inside = 'mount --make-rprivate / && mount --bind "$0" /srv && exec "$@"'
        name = self.network.name if self.network else ""
        inside_of = ("nsenter", f"--net=/run/netns/{name}") if name else ()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *inside_of,
                    *("unshare", "-m", "sh", "-c", inside, str(self.srv)),
                    *(SSHD, "-D", "-e", "-f", str(self.config)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(self.port, self.address)

    @property
    def address(self) -> str:
        return self.network.address if self.network else "127.0.0.1"

    def stop(self) -> None:
        """End it, with all its sessions, as a machine that is switched off."""
        if self.process is not None:
            for pid in [*self.sessions(), self.process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def sessions(self) -> list[int]:
        """The processes in this server's namespace, other than its sshd."""
        if self.process is None:
            return []
        own = _namespace(self.process.pid)
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            pid = int(process.name)
            if pid != self.process.pid and own and _namespace(pid) == own:
                found.append(pid)
        return found

    def logged_in(self) -> list[int]:
        """The processes of its sshd that carry a connection."""
        found = []
        for pid in self.sessions():
            with suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sshd:"):
                    found.append(pid)
        return found

    def mount(self, *arguments: str) -> None:
        """Mount something in its namespace."""
        assert self.process
        inside = ["nsenter", "-t", str(self.process.pid), "-m"]
        subprocess.run([*inside, "mount", *arguments], check=True)

    def own_etc(self) -> Path:
        """Give it an `/etc` of its own, which it has no systemd beside; where that is here."""
        etc = self.srv.with_name("etc")
        shutil.copytree("/etc", etc, symlinks=True)
        self.mount("--bind", str(etc), "/etc")
        if Path("/run/systemd").exists():
            self.mount("-t", "tmpfs", "none", "/run/systemd")
        return etc

    def logins(self) -> int:
        return self.log.read_text(errors="replace").count("Accepted publickey")


def _namespace(pid: int) -> str:
    with suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    return ""


def wait_for_port(port: int, address: str = "127.0.0.1", seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while True:
        with suppress(OSError), socket.create_connection((address, port), 1):
            return
        assert time.monotonic() < until, f"nothing listens on port {port}"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass
class Servers:
    """Some targets, and what a client needs to reach them: `ssh_config`, read by `ssh -F`."""

    directory: Path
    servers: dict[str, Server] = field(default_factory=dict)
    settings: str = WHOLE

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = self._new_key("id")
        self.host_key = self._new_key("host")
        self.authority = self._new_key("authority")
        self.known_hosts = self.directory / "known_hosts"
        self.ssh_config = self.directory / "ssh_config"
        (self.directory / "authorized_keys").write_text(
            self.key.with_suffix(".pub").read_text(encoding="ascii"), encoding="ascii"
        )

    def _new_key(self, name: str) -> Path:
        key = self.directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        return key

    def certify(self, validity: str) -> Path:
        """Have the authority sign the key, valid as `ssh-keygen -V` has it; the certificate."""
        sign = ["ssh-keygen", "-q", "-s", str(self.authority), "-I", "deployer", "-n", "root"]
        subprocess.run([*sign, "-V", validity, str(self.key.with_suffix(".pub"))], check=True)
        return self.key.with_name("id-cert.pub")

    def certify_host(self) -> Path:
        """Have the authority sign the host key of all servers; the certificate."""
        sign = ["ssh-keygen", "-q", "-s", str(self.authority), "-I", "host", "-h", "-n"]
        key = self.host_key.with_suffix(".pub")
        subprocess.run([*sign, "127.0.0.1", str(key)], check=True)
        return self.host_key.with_name("host-cert.pub")

    def add(
        self, names: Sequence[str], more: str = "", *, elsewhere: Sequence[str] = ()
    ) -> list[Server]:
        """Start a server for each of the names; `more` goes into their sshd_config, at its top.

        Those `elsewhere` have a network of their own.
        """
        added = []
        for name, port in zip(names, free_ports(len(names)), strict=True):
            here = self.directory / name
            (here / "srv").mkdir(parents=True)
            config = here / "sshd_config"
            network = Network.make(port) if name in elsewhere else None
            server = Server(name, port, here / "srv", here / "log", config, network)
            self.servers[name] = server
            config.write_text(
                f"{more}\nListenAddress {server.address}\nPort {port}\nHostKey {self.host_key}\n"
                f"AuthorizedKeysFile {self.directory}/authorized_keys\n{self.settings}",
                encoding="utf-8",
            )
            added.append(server)
        for server in added:
            server.start()
        self.write_config()
        return added

    def write_config(self, more: str = "") -> None:
        """The client's ssh_config, and its known hosts."""
        public = self.host_key.with_suffix(".pub").read_text(encoding="ascii")
        hosts = [f"[{server.address}]:{server.port} {public}" for server in self.servers.values()]
        self.known_hosts.write_text("".join(hosts), encoding="ascii")
        blocks = [
            f"Host {name}\n  HostName {server.address}\n  Port {server.port}\n"
            for name, server in self.servers.items()
        ]
        self.ssh_config.write_text(
            f"{more}\n{''.join(blocks)}\nHost *\n  User root\n  IdentityFile {self.key}\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n"
            "  StrictHostKeyChecking yes\n  KexAlgorithms curve25519-sha256\n",
            encoding="utf-8",
        )

    @property
    def program(self) -> str:
        """What `deploy.ssh` is for them."""
        return f"ssh -F {self.ssh_config}"

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()
            if server.network:
                server.network.remove()
