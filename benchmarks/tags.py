"""Whether the commands grow with the number of tags."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks.fleet import DeployedFleet
from benchmarks.programs import deploy, git, git_text, measured_children
from benchmarks.sites import Site, Size
from benchmarks.table import Table, milliseconds, ratio

COUNTS = (200, 2_000, 20_000)
SMALL = Size(files=500, changed=20)
PREFIXES = ("slot0", "slot1")
Walls = dict[str, list[float]]


@dataclass(frozen=True)
class Tagged:
    """A small site whose origin and working repositories have `count` rollout tags.

    `by_hand` has no targets, so that `finish` is a command of its own there.
    """

    site: Site
    count: int
    fleet: DeployedFleet
    by_hand: DeployedFleet

    def create(self) -> None:
        self.site.create()
        make_tags(self.site.origin, self.count)
        for fleet in (self.fleet, self.by_hand):
            fleet.create()
        deploy(self.fleet.repository, "start")
        deploy(self.fleet.repository, "--force", "sync")

    def measure(self, walls: Walls) -> None:
        """Each command once; its wall time is appended to those under its name."""
        self.site.advance()
        fleet = self.fleet.repository
        for command in ("start", "status", "sync", "show", "show-tag"):
            walls[command].append(_wall(fleet, command))
        walls["status, none in progress"].append(_wall(fleet, "status"))
        by_hand = self.by_hand.repository
        deploy(by_hand, "start")
        deploy(by_hand, "sync")
        walls["finish"].append(_wall(by_hand, "finish"))


def growth(place: Path, runs: int) -> Table:
    """Wall time of each command with few and with many tags."""
    places = [_tagged(place / str(count), count) for count in COUNTS]
    walls: Mapping[int, Walls] = {count: defaultdict(list) for count in COUNTS}
    try:
        for one in places:
            one.create()
        for _ in range(runs):
            for one in places:
                one.measure(walls[one.count])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    table = Table(
        "Commands and the number of rollout tags (wall time)",
        ["", *(f"{count:,} tags" for count in COUNTS), f"{COUNTS[-1]:,} / {COUNTS[0]:,}"],
    )
    for name in walls[COUNTS[0]]:
        medians = [median(walls[count][name]) for count in COUNTS]
        shown = [milliseconds(value) for value in medians]
        table.add(f"git deploy {name}", *shown, ratio(medians[-1], medians[0]))
    return table


def _tagged(place: Path, count: int) -> Tagged:
    site = Site(place, SMALL)
    return Tagged(
        site,
        count,
        DeployedFleet(place / "fleet", site.origin, "atomic", 2, PREFIXES[0]),
        DeployedFleet(place / "by-hand", site.origin, "atomic", 0, PREFIXES[1]),
    )


def make_tags(repository: Path, count: int) -> None:
    """Annotated rollout tags, an hour apart, the newest of them some years ago."""
    commit = git_text(repository, "rev-parse", "main")
    first = datetime(2015, 1, 1, tzinfo=UTC)
    names = [
        f"{prefix}-{first + timedelta(hours=number):%Y%m%d-%H%M%S}"
        for prefix in PREFIXES
        for number in range(count // len(PREFIXES))
    ]
    tagger = "tagger A Deployer <deployer@example.org> now"
    tag = f"from {commit}\n{tagger}\ndata 8\nrollout\n\n"
    stream = "".join(f"tag {name}\n{tag}" for name in names)
    git(repository, "fast-import", "--quiet", "--date-format=now", stdin=stream.encode())
    git(repository, "pack-refs", "--all")


def _wall(repository: Path, command: str) -> float:
    # `status` ends with 1 when a rollout is in progress.
    with measured_children() as measurement:
        deploy(repository, command, allowed=(0, 1) if command == "status" else (0,))
    return measurement.cost.wall
