"""Ten real minions on this machine, and what all processes of Salt cost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.salt.cluster import Cluster, Minion, program
from tests.salt.salted import install

from benchmarks.programs import Cost, Measurement, git, measured_children, run

SETTLE = 0.6  # seconds after which what a job leaves behind has ended and is counted


@contextmanager
def minions(count: int) -> Iterator[Cluster]:
    """A master and minions web1 ... with the module; each has a home of its own, its root."""
    # Elsewhere Python keeps what it compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with Cluster() as cluster:
        desired = cluster.directory / "desired"
        desired.mkdir()
        cluster.configure_master({"git_deploy.desired": str(desired)})
        for number in range(1, count + 1):
            minion = cluster.minion(f"web{number}")
            minion.daemon.environment = {**minion.daemon.environment, "HOME": str(minion.root)}
        install(cluster)
        cluster.start()
        cluster.start_minions()
        cluster.salt("*", "saltutil.sync_modules")
        yield cluster


def clone_on(minion: Minion, name: str, origin: Path) -> Path:
    """A plain clone in the minion's home."""
    place = minion.root / name
    git(minion.root, "clone", "--quiet", str(origin), str(place))
    return place


def salt(cluster: Cluster, *arguments: str) -> None:
    """One `salt` command to all minions."""
    options = ["--config-dir", str(cluster.master_directory)]
    run([str(program("salt")), *options, "*", *arguments], cluster.directory)


@contextmanager
def measured(cluster: Cluster) -> Iterator[Measurement]:
    """What this process's children cost in this block, and Salt's daemons with all their jobs."""
    result = Measurement()
    before = _daemons_cpu(cluster)
    with measured_children() as ours:
        yield result
    time.sleep(SETTLE)
    result.cost = Cost(ours.cost.wall, ours.cost.cpu + _daemons_cpu(cluster) - before)


def _daemons_cpu(cluster: Cluster) -> float:
    """CPU seconds of the daemons and of all their children that have ended."""
    directory = str(cluster.directory).encode()
    ticks = 0
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes() if process.name.isdecimal() else b""
            if directory in command and (b"salt-minion" in command or b"salt-master" in command):
                after_name = (process / "stat").read_bytes().rpartition(b")")[2].split()
                ticks += sum(map(int, after_name[11:15]))
        except OSError:
            continue  # it has just ended, and counts with its parent
    return ticks / os.sysconf("SC_CLK_TCK")
