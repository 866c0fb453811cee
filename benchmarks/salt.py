"""A sync over Salt beside what people do with Salt's own functions, on the same ten minions."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.salt.cluster import Cluster

from benchmarks.fleet import DeployedFleet
from benchmarks.minions import clone_on, measured, minions, salt
from benchmarks.programs import Cost, deploy, git, git_text
from benchmarks.sites import Site, Size
from benchmarks.table import Table, milliseconds, ratio, seconds

COUNT = 10
KEEP = 1
# So many rollouts until trees are taken over and not written.
WARM_UP = 2 * (KEEP + 1) + 2
# What is measured of ours besides the sync, in this order.
OURS = {
    "converge, nothing to do": ["converge"],
    "no-op sync": ["sync", "--force"],
    "revert": ["revert", "1"],  # what KEEP has kept
}
SHELL = "cd ~/shell && git fetch --quiet origin && git checkout --quiet --force origin/main"

_LATEST = """\
{origin}:
  git.latest:
    - target: {{{{ opts['git_deploy.root'] }}}}/state
    - rev: main
    - force_reset: True
"""


@dataclass
class Race:
    """The contestants, on one cluster. Each brings what `site.advance` pushed to all minions."""

    cluster: Cluster
    site: Site
    fleet: DeployedFleet
    costs: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    spreads: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def contestants(self) -> dict[str, Callable[[], None]]:
        return {
            "cmd.run": self.by_shell,
            "git.fetch, git.checkout": self.by_functions,
            "git.latest": self.by_state,
            "sync": self.by_sync,
        }

    def create(self) -> None:
        for minion in self.cluster.minions.values():
            for name in ("shell", "functions", "state"):
                clone_on(minion, name, self.site.origin)
        (self.cluster.files / "latest.sls").write_text(_LATEST.format(origin=self.site.origin))
        repository = self.fleet.repository
        settings = {
            "deploy.transport": "salt",
            "deploy.targets": "*",
            "deploy.salt-config": str(self.cluster.master_directory),
            "deploy.url": str(repository / ".git" / "deploy" / "publish.git"),
            "deploy.keep-releases": str(KEEP),
        }
        for key, value in settings.items():
            git(repository, "config", key, value)

    def turn(self, number: int, *, warm_up: bool = False) -> None:
        self.site.advance()
        deploy(self.fleet.repository, "start")
        names = list(self.contestants)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            self._measure(name, self.contestants[name], warm_up=warm_up)
        if not warm_up:
            for name, command in OURS.items():
                self._deploy(name, command)
        if not warm_up:
            self.spreads["sync"].append(self._spread("srv/.sartoris/state/slot0.json"))
            self.spreads["cmd.run"].append(self._spread("shell/.git/HEAD"))

    def _deploy(self, name: str, command: Sequence[str]) -> None:
        if command[0] == "sync":
            deploy(self.fleet.repository, "start")
        self._measure(name, lambda: _type(self.fleet.repository, command))

    def _measure(self, name: str, act: Callable[[], None], *, warm_up: bool = False) -> None:
        with measured(self.cluster) as result:
            act()
        if not warm_up:
            self.costs[name].append(result.cost)

    def by_shell(self) -> None:
        salt(self.cluster, "cmd.run", SHELL)

    def by_functions(self) -> None:
        salt(self.cluster, "git.fetch", "cwd=functions", "remote=origin")
        salt(self.cluster, "git.checkout", "cwd=functions", "rev=origin/main", "force=True")

    def by_state(self) -> None:
        salt(self.cluster, "state.apply", "latest")

    def by_sync(self) -> None:
        deploy(self.fleet.repository, "sync")

    def _spread(self, name: str) -> float:
        """Seconds between the first and the last minion's switch."""
        times = [(minion.root / name).stat().st_mtime for minion in self.cluster.minions.values()]
        return max(times) - min(times)

    def seconds_to_decide(self, dead: int) -> float:
        """From the fetch to the gate's decision when some minions are down."""
        for number in range(dead):
            self.cluster.minions[f"web{COUNT - number}"].kill()
        self.site.advance()
        deploy(self.fleet.repository, "start")
        began = time.monotonic()
        output = deploy(self.fleet.repository, "--json", "sync", allowed=(71,))
        assert any(json.loads(line)["event"] == "gate-decided" for line in output.splitlines())
        return time.monotonic() - began


def _type(repository: Path, command: Sequence[str]) -> None:
    deploy(repository, *command)


def measure(place: Path, runs: int) -> Iterator[Table]:
    """A sync beside each of the others, on the same minions in turn."""
    site = Site(place / "site", Size(changed=150))
    site.create()
    fleet = DeployedFleet(place / "ours", site.origin, "atomic", 0)
    fleet.create()
    with minions(COUNT) as cluster:
        race = Race(cluster, site, fleet)
        race.create()
        for number in range(WARM_UP):
            race.turn(number, warm_up=True)
        for number in range(runs):
            race.turn(number)
        for minion in cluster.minions.values():
            _check(minion.root, git_text(site.origin, "rev-parse", "main"))
        yield _table(race, site)
        yield _decision(race)


def _check(root: Path, commit: str) -> None:
    """All have done the same work."""
    for name in ("shell", "functions", "state"):
        assert git_text(root / name, "rev-parse", "HEAD") == commit, name


def _table(race: Race, site: Site) -> Table:
    table = Table(
        f"Over Salt, {COUNT} minions: {site.size.name}",
        ["", "wall", "CPU", "sync / it, wall", "sync / it, CPU"],
    )
    ours = _median(race.costs["sync"])
    for name, costs in race.costs.items():
        cost = _median(costs)
        ratios = (ratio(ours.wall, cost.wall), ratio(ours.cpu, cost.cpu))
        table.add(name, seconds(cost.wall), seconds(cost.cpu), *(() if cost == ours else ratios))
    for name, spreads in race.spreads.items():
        table.note(f"First to last switch, {name}: {milliseconds(median(spreads))}.")
    return table


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))


def _decision(race: Race) -> Table:
    table = Table(f"2 of {COUNT} minions are down", ["", "wall"])
    table.add(
        "sync, until the gate has decided and it has ended", seconds(race.seconds_to_decide(2))
    )
    return table
