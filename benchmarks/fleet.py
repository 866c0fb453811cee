"""Sartoris deploying the site to local targets, with each stage of a sync measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from benchmarks.programs import Cost, deploy, git, git_text, measured_children, python
from benchmarks.sites import targets_of


@dataclass(frozen=True)
class Synced:
    """One `git deploy sync`. `steps` are by name (`compose`, `fetch`, `switch`, ...)."""

    whole: Cost
    steps: Mapping[str, Cost]

    @property
    def stages(self) -> Cost:
        """`fetch` and `switch` together, which is what the plain git commands do."""
        fetch, switch = self.steps["fetch"], self.steps["switch"]
        return Cost(fetch.wall + switch.wall, fetch.cpu + switch.cpu)


@dataclass(frozen=True)
class Reverted:
    """One `git deploy revert`. Seconds from the command's start, and from the decision (the desired
    state is about to name the release), to the last target's switch.
    """

    whole: Cost
    from_start: float
    from_decision: float
    fetched: int


@dataclass(frozen=True)
class DeployedFleet:
    """A working repository and its targets; `mode` is `deploy.switch`."""

    place: Path
    origin: Path
    mode: str
    count: int
    prefix: str = "slot0"

    @property
    def repository(self) -> Path:
        return self.place / "site"

    @property
    def links(self) -> Sequence[Path]:
        return [
            root / "srv" / f"php-{self.prefix}" for _, root in targets_of(self.place, self.count)
        ]

    def create(self) -> None:
        self.place.mkdir(parents=True)
        clone = ("clone", "--quiet", "--recurse-submodules")
        git(self.place, *clone, str(self.origin), str(self.repository))
        settings = {
            "user.name": "A Deployer",
            "user.email": "deployer@example.org",
            "gc.auto": "0",
            "deploy.tag-prefix": self.prefix,
            "deploy.path": "/srv/php-{prefix}",
            "deploy.switch": self.mode,
        }
        for key, value in settings.items():
            git(self.repository, "config", key, value)
        for name, root in targets_of(self.place, self.count):
            git(self.repository, "config", "--add", "deploy.target", f"{name}={root}")

    def start(self) -> None:
        deploy(self.repository, "start")

    def sync(self) -> Synced:
        """`git deploy sync`, which also ends the rollout."""
        record = self.place / "steps.json"
        with measured_children() as measurement:
            python(self.repository, "benchmarks.metered", str(record), "sync")
        steps = json.loads(record.read_text())
        return Synced(measurement.cost, {name: Cost(*cost) for name, cost in steps.items()})

    def switch_spread(self) -> float:
        """Seconds between the first and the last target's switch: the renames' own times."""
        switched = self._switch_times()
        return max(switched) - min(switched)

    def revert(self) -> Reverted:
        """Go back to the release before the one that is live."""
        before = git_text(
            self.repository, "describe", "--exact-match", "--tags", "--exclude=*_reverted", "HEAD^"
        )
        began = time()
        with measured_children() as measurement:
            output = deploy(self.repository, "--json", "revert", before)
        events = [json.loads(line) for line in output.splitlines()]
        last = max(self._switch_times())
        return Reverted(
            measurement.cost,
            from_start=last - began,
            from_decision=last - _decision(events),
            fetched=sum(_is_answer(event, "fetch") for event in events),
        )

    def _switch_times(self) -> Sequence[float]:
        # Not the modification time: a link is made first, and its rename changes the other one.
        return [link.lstat().st_ctime_ns / 1e9 for link in self.links]


def _decision(events: Sequence[Mapping[str, Any]]) -> float:
    """When the step `commit` began, in seconds since the epoch."""
    for event in events:
        if event["event"] == "step-started" and event["step"] == "commit":
            return float(event["at"])
    raise SystemExit("benchmark: the revert did not come to its step `commit`")


def _is_answer(event: Mapping[str, Any], stage: str) -> bool:
    return (event["event"], event.get("stage")) == ("target-answered", stage)
