"""Each command beside the Perl git-deploy's, on repositories with few and with many tags.

A site that synchronises by hand, which is what both can do, made twice from one seed: one for each.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.fleet import DeployedFleet
from benchmarks.programs import deploy, git, measured_children, run
from benchmarks.sites import Site
from benchmarks.table import Table, milliseconds, ratio
from benchmarks.tags import COUNTS, PREFIXES, SMALL, make_tags

PERL = "GIT_DEPLOY_PERL"
COMMANDS = ("status", "start", "sync", "show-tag", "show", "finish")
STATUS_CODES = (0, 1, 2)
Walls = dict[str, list[float]]


@dataclass(frozen=True)
class Contestant:
    """One program and the repositories that it works in."""

    site: Site
    repository: Path
    type: Callable[[Path, str], bytes]

    def measure(self, walls: Walls) -> None:
        """One whole rollout; each command's wall time is appended to those under its name."""
        self.site.advance()
        for command in COMMANDS:
            with measured_children() as measurement:
                self.type(self.repository, command)
            walls[command].append(measurement.cost.wall)


def beside_perl(place: Path, runs: int) -> Iterator[Table]:
    """A table for each number of tags; nothing without a Perl git-deploy in the environment."""
    script = os.environ.get(PERL)
    for count in COUNTS if script else ():
        here = place / str(count)
        try:
            yield _race(here, count, runs, Path(script or ""))
        finally:
            shutil.rmtree(here, ignore_errors=True)


def _race(place: Path, count: int, runs: int, script: Path) -> Table:
    ours = _contestant(place / "ours", count, _type_ours)
    theirs = _contestant(place / "perl", count, _perl(script))
    walls: tuple[Walls, Walls] = (defaultdict(list), defaultdict(list))
    for number in range(runs):
        turns = [(ours, walls[0]), (theirs, walls[1])]
        for contestant, into in turns if number % 2 else reversed(turns):
            contestant.measure(into)
    table = Table(
        f"Beside the Perl git-deploy, {count:,} tags", ["", "ours", "Perl", "ours / Perl"]
    )
    for command in COMMANDS:
        mine, other = median(walls[0][command]), median(walls[1][command])
        table.add(command, milliseconds(mine), milliseconds(other), ratio(mine, other))
    return table


def _contestant(place: Path, count: int, how: Callable[[Path, str], bytes]) -> Contestant:
    site = Site(place, SMALL)
    site.create()
    make_tags(site.origin, count)
    fleet = DeployedFleet(place / "by-hand", site.origin, "atomic", 0, PREFIXES[0])
    fleet.create()
    git(fleet.repository, "config", "deploy.log-directory", str(place))
    # The Perl one's own deploy file makes its tree dirty otherwise, and it refuses to go on.
    with (fleet.repository / ".git" / "info" / "exclude").open("a") as excluded:
        excluded.write(".deploy\n")
    return Contestant(site, fleet.repository, how)


def _type_ours(repository: Path, command: str) -> bytes:
    return deploy(repository, command, allowed=_allowed(command))


def _allowed(command: str) -> tuple[int, ...]:
    return STATUS_CODES if command == "status" else (0,)


def _perl(script: Path) -> Callable[[Path, str], bytes]:
    user = f"USER={os.environ.get('USER', 'deployer')}"  # which it needs
    perl = ["env", user, "perl", f"-I{script.parent.parent / 'lib'}", str(script)]

    def type_theirs(repository: Path, command: str) -> bytes:
        return run([*perl, command], repository, allowed=_allowed(command))

    return type_theirs
