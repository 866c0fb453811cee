"""What else brings a branch to ssh servers, each as its own manual has it; wall time only."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.ssh.servers import Servers


class Peer(Protocol):
    """`create` sets it up with a first deploy, `update` deploys what is new."""

    @property
    def name(self) -> str: ...

    def create(self) -> None: ...

    def update(self) -> None: ...


def found(servers: Servers, url: str, place: Path) -> Iterator[Peer]:
    """Those that this machine has."""
    if shutil.which("ansible"):
        yield Ansible(servers, url, place / "ansible")
    if shutil.which("cap"):
        yield Capistrano(servers, url, place / "capistrano")


@dataclass(frozen=True)
class Ansible:
    servers: Servers
    url: str
    place: Path

    @property
    def name(self) -> str:
        return "Ansible's git module, forks 25"

    def create(self) -> None:
        self.place.mkdir(parents=True)
        names = "\n".join(self.servers.servers)
        (self.place / "hosts").write_text(
            f"{names}\n[all:vars]\nansible_python_interpreter=/usr/bin/python3\n"
        )
        self.update()

    def update(self) -> None:
        what = f"repo={self.url} dest=/srv/ansible version=main force=yes"
        words = ["ansible", "all", "-i", "hosts", "-f", "25", "-m", "git", "-a", what]
        master = "-o ControlMaster=auto -o ControlPersist=2s"
        _run(words, self.place, {"ANSIBLE_SSH_ARGS": f"-F {self.servers.ssh_config} {master}"})


@dataclass(frozen=True)
class Capistrano:
    servers: Servers
    url: str
    place: Path

    @property
    def name(self) -> str:
        return "Capistrano"

    def create(self) -> None:
        (self.place / "config/deploy").mkdir(parents=True)
        (self.place / "Capfile").write_text(
            'require "capistrano/setup"\nrequire "capistrano/deploy"\n'
            'require "capistrano/scm/git"\ninstall_plugin Capistrano::SCM::Git\n'
        )
        (self.place / "config/deploy.rb").write_text(
            f'set :application, "site"\nset :repo_url, "{self.url}"\nset :branch, "main"\n'
            'set :deploy_to, "/srv/capistrano"\nset :tmp_dir, "/srv"\nset :format, :dot\n'
            f'set :ssh_options, {{ keys: ["{self.servers.key}"], keys_only: true, '
            "verify_host_key: :never, config: false }\n"
        )
        hosts = (
            f'server "127.0.0.1", port: {server.port}, user: "root", roles: %w[app]\n'
            for server in self.servers.servers.values()
        )
        (self.place / "config/deploy/production.rb").write_text("".join(hosts))
        self.update()

    def update(self) -> None:
        _run(["cap", "production", "deploy"], self.place, {})

    def spread(self) -> float:
        """Seconds between the first and the last target's switch."""
        links = [one.srv / "capistrano/current" for one in self.servers.servers.values()]
        times = [link.lstat().st_ctime for link in links]
        return max(times) - min(times)


def wall(peer: Peer) -> float:
    began = time.monotonic()
    peer.update()
    return time.monotonic() - began


def _run(words: Sequence[str], place: Path, more: dict[str, str]) -> None:
    done = subprocess.run(
        words, cwd=place, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"benchmark: {words[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
