"""The first deploy to targets that have nothing yet, beside `git clone --depth 1` for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fleet import DeployedFleet
from benchmarks.programs import Cost, git, measured_children
from benchmarks.sites import Site, Size
from benchmarks.syncs import MODES, middle
from benchmarks.table import Table, ratio, seconds


def measure(place: Path, targets: int, runs: int) -> Iterator[Table]:
    """`place` is made, and removed again."""
    size = Size()
    site = Site(place, size)
    floors: list[Cost] = []
    firsts: dict[str, list[Cost]] = {mode: [] for mode in MODES}
    try:
        site.create()
        for turn in range(runs):
            floors.append(_clones(place / "clones", site.origin, targets))
            for mode in MODES:
                here = place / mode
                # Each tag is of its own prefix, since they all go to one origin.
                fleet = DeployedFleet(here, site.origin, mode, targets, f"{mode}{turn}")
                fleet.create()
                fleet.start()
                firsts[mode].append(fleet.sync().stages)
                shutil.rmtree(here)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    floor = middle(floors)
    table = Table(
        f"First deploy: {targets} targets; {size.files:,} files",
        ["", "CPU", "wall", "CPU / floor", "wall / floor"],
    )
    table.add("floor: git clone --depth 1", seconds(floor.cpu), seconds(floor.wall))
    for mode, costs in firsts.items():
        cost = middle(costs)
        times = seconds(cost.cpu), seconds(cost.wall)
        ratios = ratio(cost.cpu, floor.cpu), ratio(cost.wall, floor.wall)
        table.add(f"{mode}: fetch + switch", *times, *ratios)
    yield table


def _clones(place: Path, origin: Path, count: int) -> Cost:
    place.mkdir()
    url = f"file://{origin}"  # from a path git would only make links

    def clone(number: int) -> None:
        git(place, "clone", "--quiet", "--depth", "1", url, str(number))

    with measured_children() as measurement, ThreadPoolExecutor(count) as threads:
        list(threads.map(clone, range(count)))
    shutil.rmtree(place)
    return measurement.cost
