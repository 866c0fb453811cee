"""A sync and a revert beside plain git, in the steady state, contestants taking turns."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.fleet import DeployedFleet, Reverted, Synced
from benchmarks.floors import Floor
from benchmarks.programs import Cost
from benchmarks.sites import Site, Size
from benchmarks.table import Table, milliseconds, ratio, seconds

# The first seven releases (live, `deploy.keep-releases` beside it, the next) are written in full.
# git reads such a tree once more when it is first taken over, since its index is no newer than its
# files. After twice as many every tree has been taken over before.
WARM_UP = 15
# Each has a prefix of its own, since all push their tags to one origin.
MODES = {"atomic": "slot0", "in-place": "slot1"}


@dataclass
class Results:
    floors: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    syncs: dict[str, list[Synced]] = field(default_factory=lambda: defaultdict(list))
    spreads: list[float] = field(default_factory=list)
    reverts: list[Reverted] = field(default_factory=list)


@dataclass(frozen=True)
class Contest:
    """One site and number of targets: plain git clones, and a fleet for each way to switch."""

    site: Site
    floors: Sequence[Floor]
    fleets: Sequence[DeployedFleet]

    def create(self) -> None:
        self.site.create()
        for floor in self.floors:
            floor.create()
        for fleet in self.fleets:
            fleet.create()

    def rounds(self, number: int) -> Results:
        """Warm up, then measure `number` changes and a revert of each."""
        for turn in range(WARM_UP):
            self._turn(turn, Results())
        results = Results()
        for turn in range(number):
            self._turn(turn, results)
            results.reverts.append(self.fleets[0].revert())
        return results

    def _turn(self, turn: int, results: Results) -> None:
        """One change for everybody; who comes first changes from turn to turn."""
        self.site.advance()
        contestants = [*self._floor_turns(results), *self._fleet_turns(results)]
        shift = turn % len(contestants)
        for contestant in contestants[shift:] + contestants[:shift]:
            contestant()

    def _floor_turns(self, results: Results) -> Iterator[Callable[[], None]]:
        for floor in self.floors:

            def update(floor: Floor = floor) -> None:
                results.floors[floor.name].append(floor.update())

            yield update

    def _fleet_turns(self, results: Results) -> Iterator[Callable[[], None]]:
        for fleet in self.fleets:

            def sync(fleet: DeployedFleet = fleet) -> None:
                fleet.start()
                results.syncs[fleet.mode].append(fleet.sync())
                if fleet.mode == "atomic":
                    results.spreads.append(fleet.switch_spread())

            yield sync


def contest(place: Path, size: Size, targets: int) -> Contest:
    site = Site(place, size)
    floors = [Floor(place / "plain", site.origin, targets)]
    if size.submodules:
        floors.append(Floor(place / "with-submodules", site.origin, targets, submodules=True))
    fleets = [
        DeployedFleet(place / mode, site.origin, mode, targets, prefix)
        for mode, prefix in MODES.items()
    ]
    return Contest(site, floors, fleets)


def measure(place: Path, size: Size, targets: int, runs: int) -> Iterator[Table]:
    """Everything about one site and number of targets; `place` is made, and removed again."""
    made = contest(place, size, targets)
    try:
        made.create()
        results = made.rounds(runs)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    heading = f"{targets} targets; {size.name}"
    yield costs(f"Sync: {heading}", results)
    yield switches(f"Switching: {heading}", results, size.submodules > 0)


def costs(title: str, results: Results) -> Table:
    """CPU and wall time, and their ratio to each floor."""
    floors = {name: middle(costs) for name, costs in results.floors.items()}
    table = Table(title, ["", "CPU", "wall", *(f"CPU / ({name})" for name in floors)])
    for name, cost in floors.items():
        table.add(f"floor: {name}", *_row(cost, floors))
    for mode, synced in results.syncs.items():
        table.add(f"{mode}: fetch + switch", *_row(middle([s.stages for s in synced]), floors))
        table.add(
            f"{mode}: whole `git deploy sync`", *_row(middle([s.whole for s in synced]), floors)
        )
        for step in ("compose", "publish", "fetch", "switch"):
            cost = middle([s.steps[step] for s in synced])
            table.add(f"{mode}: step {step}", seconds(cost.cpu), seconds(cost.wall))
    return table


def switches(title: str, results: Results, submodules: bool) -> Table:
    """How long the fleet is of two minds, and how fast it goes back; beside a checkout."""
    floor = middle(list(results.floors.values())[int(submodules)])
    table = Table(title, ["", "median", "slowest", "wall / floor's fetch and checkout"])

    def add(name: str, values: Sequence[float]) -> None:
        slowest = milliseconds(max(values))
        table.add(name, milliseconds(median(values)), slowest, ratio(median(values), floor.wall))

    add("first to last switch of a sync (atomic)", results.spreads)
    add("revert: decision to last switch", [one.from_decision for one in results.reverts])
    add("revert: command's start to last switch", [one.from_start for one in results.reverts])
    add("revert: whole command, wall", [one.whole.wall for one in results.reverts])
    add("revert: whole command, CPU", [one.whole.cpu for one in results.reverts])
    fetched = sum(one.fetched for one in results.reverts)
    table.note(f"Targets that fetched something during a revert: {fetched}")
    return table


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure by itself."""
    return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))


def _row(cost: Cost, floors: Mapping[str, Cost]) -> list[str]:
    ratios = [ratio(cost.cpu, floor.cpu) for floor in floors.values()]
    return [seconds(cost.cpu), seconds(cost.wall), *ratios]
