"""A site whose targets are real ssh servers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ssh.servers import Servers, need_servers
from tests.system.site import Site

PATH = "/srv/site/php-{prefix}"


@dataclass
class SshSite(Site):
    """As `Site`; a target is an ssh server, and `/srv` of it is a directory of this machine."""

    servers: Servers | None = None

    @property
    def fleet(self) -> Servers:
        assert self.servers
        return self.servers

    def target(self, name: str) -> Path:
        """Of what is below a target's `/srv`, its `/`."""
        return self.fleet.servers[name].srv.parent

    def preparing(self, script: str) -> None:
        """Have a program of the release run on each target before its switch, a shell script;
        committed and pushed.
        """
        program = self.repo / "deploy" / "target" / "prepare.10-program"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.commit({})
        self.push()

    def agents(self) -> list[int]:
        """The processes on all targets that are not an ssh server's own."""
        found = []
        for server in self.fleet.servers.values():
            for pid in server.sessions():
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if not words.startswith(b"sshd:"):
                        found.append(pid)
        return found


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    need_servers()
    servers = Servers(tmp_path / "servers")
    yield servers
    servers.stop()


Build = Callable[..., SshSite]


@pytest.fixture
def build(tmp_path: Path, servers: Servers, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Makes a site with these targets; `more` is for their sshd_config, and those `elsewhere` have
    a network of their own.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))

    def make(
        names: Sequence[str] = ("web1", "web2", "web3"),
        more: str = "",
        elsewhere: Sequence[str] = (),
    ) -> SshSite:
        servers.add(names, more, elsewhere=elsewhere)
        Site.build(tmp_path / "site", targets=0)
        site = SshSite(tmp_path / "site", servers)
        site.config("deploy.transport", "ssh")
        site.config("deploy.ssh", servers.program)
        for name in names:
            site.config("deploy.target", name)
        return site

    return make


@pytest.fixture
def site(build: Build) -> SshSite:
    """Three targets, on which nothing was ever deployed."""
    return build()


@pytest.fixture
def deployed(site: SshSite) -> SshSite:
    """The same with one release live."""
    site.ok("start")
    site.ok("sync")
    return site


def started_with_a_change(site: SshSite) -> None:
    site.ok("start")
    site.commit({"index.php": "version 2\n"})
    site.push()


def wait_until(done: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
