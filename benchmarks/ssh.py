"""A sync to real ssh servers, beside `ssh` to each with `git fetch` and `git checkout -f`, and
beside Ansible and Capistrano where this machine has them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.ssh.servers import Server, Servers, free_ports, wait_for_port

from benchmarks.fleet import DeployedFleet, Reverted, Synced
from benchmarks.peers import Peer, found, wall
from benchmarks.programs import Cost, Measurement, deploy, git, measured_children, run
from benchmarks.sites import Site, Size
from benchmarks.syncs import WARM_UP, middle
from benchmarks.table import Table, milliseconds, ratio, seconds

CONNECT_TIMEOUT = 3  # seconds


@dataclass(frozen=True)
class SshFleet(DeployedFleet):
    """As the local one, on ssh servers."""

    servers: Servers | None = None

    @property
    def there(self) -> Servers:
        assert self.servers
        return self.servers

    @property
    def links(self) -> Sequence[Path]:
        return [one.srv / f"php-{self.prefix}" for one in self.there.servers.values()]

    def create(self) -> None:
        super().create()
        git(self.repository, "config", "--unset-all", "deploy.target")
        git(self.repository, "config", "deploy.transport", "ssh")
        git(self.repository, "config", "deploy.ssh", self.there.program)
        for name in self.there.servers:
            git(self.repository, "config", "--add", "deploy.target", name)


@dataclass(frozen=True)
class Floor:
    """A clone on each server, which fetches over git's own protocol: less work than over HTTP."""

    servers: Servers
    url: str

    def create(self) -> None:
        self._everywhere(
            f"git clone -q {self.url} /srv/plain && git -C /srv/plain config gc.auto 0"
        )

    def update(self) -> None:
        self._everywhere(
            "cd /srv/plain && git fetch -q origin && git checkout -qf --detach origin/main"
        )

    def _everywhere(self, command: str) -> None:
        words = ["ssh", "-F", str(self.servers.ssh_config)]
        with ThreadPoolExecutor(len(self.servers.servers)) as threads:
            list(
                threads.map(
                    lambda name: run([*words, name, command], self.servers.directory),
                    self.servers.servers,
                )
            )


@contextmanager
def _served(origin: Path) -> Iterator[tuple[str, int]]:
    """`git daemon` for the origin: its url and process."""
    (port,) = free_ports(1)
    words = ["git", "daemon", "--export-all", "--reuseaddr", f"--port={port}"]
    with subprocess.Popen([*words, f"--base-path={origin.parent}", str(origin.parent)]) as daemon:
        try:
            wait_for_port(port)
            yield f"git://127.0.0.1:{port}/{origin.name}", daemon.pid
        finally:
            daemon.terminate()


@contextmanager
def _measured(servers: Servers, daemon: int) -> Iterator[Measurement]:
    """What this process's children cost in this block, and the servers with all their sessions."""
    result = Measurement()
    before = _cpu(servers, daemon)
    with measured_children() as ours:
        yield result
    _wait_for_sessions(servers)
    result.cost = Cost(ours.cost.wall, ours.cost.cpu + _cpu(servers, daemon) - before)


def _wait_for_sessions(servers: Servers) -> None:
    while any(server.sessions() for server in servers.servers.values()):
        time.sleep(0.05)
    time.sleep(0.1)  # the last of them is reaped


def _cpu(servers: Servers, daemon: int) -> float:
    listeners = [one.process.pid for one in servers.servers.values() if one.process]
    ticks = 0
    for pid in (*listeners, daemon):
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        ticks += sum(map(int, after_name[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(place: Path, targets: int, runs: int) -> Iterator[Table]:
    """`place` is made, and removed again."""
    size = Size()
    site = Site(place, size)
    servers = Servers(place / "servers")
    try:
        site.create()
        servers.add([f"web{number}" for number in range(1, targets + 1)])
        with _served(site.origin) as (url, daemon):
            floor = Floor(servers, url)
            fleet = SshFleet(place / "ours", site.origin, "atomic", targets, servers=servers)
            floor.create()
            fleet.create()
            peers = list(found(servers, url, place))
            for peer in peers:
                peer.create()
            yield _contest(site, floor, fleet, daemon, runs, peers)
            if targets >= 4:
                yield _broken(site, fleet)
    finally:
        servers.stop()
        shutil.rmtree(place, ignore_errors=True)


def _contest(
    site: Site, floor: Floor, fleet: SshFleet, daemon: int, runs: int, peers: Sequence[Peer]
) -> Table:
    floors: list[Cost] = []
    wholes: list[Cost] = []
    syncs: list[Synced] = []
    spreads: list[float] = []
    reverts: list[Reverted] = []
    beside: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for turn in range(WARM_UP + runs):
        site.advance()

        def plain() -> None:
            with _measured(floor.servers, daemon) as measured:
                floor.update()
            floors.append(measured.cost)

        def ours() -> None:
            fleet.start()
            with _measured(floor.servers, daemon) as measured:
                syncs.append(fleet.sync())
            wholes.append(measured.cost)
            spreads.append(fleet.switch_spread())

        for contestant in (plain, ours) if turn % 2 else (ours, plain):
            contestant()
        if turn >= WARM_UP:
            for peer in peers:
                beside[peer.name].append(wall(peer))
                _wait_for_sessions(floor.servers)
            reverts.append(fleet.revert())
    floor_, whole = middle(floors[WARM_UP:]), middle(wholes[WARM_UP:])
    stages = median(one.stages.wall for one in syncs[WARM_UP:])
    table = Table(
        f"Over ssh: {fleet.count} targets; {site.size.name}",
        ["", "CPU", "wall", "CPU / floor", "wall / floor"],
    )
    table.add("floor: ssh, git fetch, git checkout -f", seconds(floor_.cpu), seconds(floor_.wall))
    table.add(
        "whole `git deploy sync`",
        seconds(whole.cpu),
        seconds(whole.wall),
        ratio(whole.cpu, floor_.cpu),
        ratio(whole.wall, floor_.wall),
    )
    table.add("of it: fetch + switch", "", seconds(stages), "", ratio(stages, floor_.wall))
    for name, times in beside.items():
        table.add(name, "", seconds(median(times)), "", ratio(median(times), floor_.wall))
    table.add("first to last switch", "", milliseconds(median(spreads[WARM_UP:])))
    start, decision = (
        median(one.from_start for one in reverts),
        median(one.from_decision for one in reverts),
    )
    table.add("revert: command's start to last switch", "", milliseconds(start))
    table.add("revert: decision to last switch", "", milliseconds(decision))
    return table


def _broken(site: Site, fleet: SshFleet) -> Table:
    """How soon a start tells who does not answer, and a sync decides."""
    refusing, hanging = list(fleet.there.servers)[:2], list(fleet.there.servers)[2:4]
    site.advance()
    fleet.start()
    there = fleet.there
    program = f"{there.program} -o ConnectTimeout={CONNECT_TIMEOUT}"
    git(fleet.repository, "config", "deploy.ssh", program)
    for name in refusing:
        there.servers[name].stop()
    table = Table(
        f"Over ssh, some targets dead: {fleet.count} targets", ["", "sync has decided after"]
    )
    table.add("2 refuse", seconds(_decided(fleet, "sync")))
    for name in hanging:
        _signal(there.servers[name], signal.SIGSTOP)
    table.add(
        f"2 refuse, 2 say nothing, ConnectTimeout {CONNECT_TIMEOUT}",
        seconds(_decided(fleet, "resync")),
    )
    for name in hanging:
        _signal(there.servers[name], signal.SIGCONT)
    for name in refusing:
        there.servers[name].start()
    return table


def _signal(server: Server, number: int) -> None:
    assert server.process
    os.kill(server.process.pid, number)


def _decided(fleet: SshFleet, command: str) -> float:
    began = time.monotonic()
    deploy(fleet.repository, command, allowed=(1, 71))
    return time.monotonic() - began
