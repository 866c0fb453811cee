"""The publish repositories of a deployment server, served as the formula sets it up."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.programs import need
from tests.salt.cluster import Cluster, free_ports
from tests.salt.daemon import Daemon
from tests.salt.scratch import Scratch

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")
_NGINX = """\
daemon off;
user nobody nogroup;
pid {here}/nginx.pid;
error_log {here}/error.log;
events {{}}
http {{
    access_log {here}/access.log;
    client_body_temp_path {here}/temporary;
    fastcgi_temp_path {here}/temporary;
    include {site};
}}
"""


class Served:
    """`publish` is the directory whose repositories are served, by git's own daemon and by nginx.

    The daemons run as nobody, whose the repositories are not.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.here = cluster.directory / "served"
        self._machine = Scratch(self.here)
        self.git_port, self.web_port = free_ports(2)
        self.publish = self._machine.root / "srv" / "publish"
        self._daemons: list[Daemon] = []

    @property
    def bases(self) -> dict[str, str]:
        """The URL below which the repositories are, by protocol."""
        return {
            "git": f"git://127.0.0.1:{self.git_port}",
            "http": f"http://127.0.0.1:{self.web_port}",
        }

    @property
    def requests(self) -> str:
        """What nginx has logged."""
        return (self.here / "access.log").read_text()

    def nginx(self, name: str, port: int, server: str) -> Callable[[], str]:
        """Another nginx, of a rack; `server` is what is in its only one. What it has logged."""
        here = self.here / name
        (here / "cache").mkdir(parents=True)
        for one in (here, here / "cache"):
            shutil.chown(one, "nobody")
        site = here / "site.conf"
        cache = (
            f"proxy_cache_path {here}/cache keys_zone=packs:1m;\nproxy_temp_path {here}/temporary;"
        )
        site.write_text(f"{cache}\nserver {{ listen 127.0.0.1:{port}; {server} }}\n")
        config = here / "nginx.conf"
        config.write_text(_NGINX.format(here=here, site=site))
        self._start(need("nginx"), "-p", str(here), "-c", str(config))
        wait_for_port(port)
        return (here / "access.log").read_text

    @contextmanager
    def running(self) -> Iterator[None]:
        server = {
            "serve": ["git-daemon", "nginx"],
            "git_daemon": {"port": self.git_port, "listen": "127.0.0.1"},
            "nginx": {
                "packages": [],
                "port": f"127.0.0.1:{self.web_port}",
                "fcgiwrap": str(self.here / "run" / "fcgiwrap"),
            },
        }
        applied = self._machine.apply("sartoris.server", {"group": "nogroup", "server": server})
        assert applied.failed == []
        try:
            self._start_git_daemon()
            self._start_web()
            for port in (self.git_port, self.web_port):
                wait_for_port(port)
            yield
        finally:
            for daemon in self._daemons:
                daemon.kill()

    def _start_git_daemon(self) -> None:
        """As the unit says."""
        unit = self._machine.root / "etc/systemd/system/sartoris-git-daemon.service"
        lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
        variables = dict(one.split("=", 1) for one in lines["Environment"].split())
        self._start(*NOBODY, *shlex.split(lines["ExecStart"]), **variables)

    def _start_web(self) -> None:
        run = self.here / "run"
        run.mkdir()
        shutil.chown(run, "nobody")
        self._start(*NOBODY, need("fcgiwrap"), "-s", f"unix:{run}/fcgiwrap")
        shutil.copy("/etc/nginx/fastcgi_params", self.here)
        config = self.here / "nginx.conf"
        site = self._machine.root / "etc/nginx/conf.d/sartoris.conf"
        config.write_text(_NGINX.format(here=self.here, site=site))
        self._start(need("nginx"), "-p", str(self.here), "-c", str(config))

    def _start(self, *command: str, **variables: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        printed = self.here / f"printed-{len(self._daemons)}"
        environment = {**kept, "HOME": "/nonexistent", **variables}
        daemon = Daemon(_found(command), self._cluster.keeper, printed, environment)
        self._daemons.append(daemon)
        daemon.start()


def _found(command: Sequence[str]) -> list[str]:
    return [need(command[0]), *command[1:]]


def wait_for_port(port: int, limit: float = 20) -> None:
    until = time.monotonic() + limit
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until, f"nothing answers at port {port} after {limit} s"
        time.sleep(0.02)
