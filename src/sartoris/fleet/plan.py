"""The plan: what will be done to whom in which order, known before anything changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sartoris.config import CountOrPercent


@dataclass(frozen=True)
class Wave:
    """Targets that are sent an order together."""

    name: str
    targets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many may fail: at most `max_failed` of the `total` targets of the fleet, and never all.

    Numbers of targets, whatever the configuration said. `None` for a way that does not stop, such
    as going back.
    """

    max_failed: int | None
    total: int

    def allow(self, failed: int) -> bool:
        """Whether to go on although so many have failed."""
        if self.max_failed is None:
            return True
        return failed <= self.max_failed and (failed < self.total or self.total == 0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`stage` is what is done: fetch, switch, ... `behind` are targets that the rollout has left
    behind already; they count as failed.
    """

    stage: str
    waves: tuple[Wave, ...]
    limits: Limits
    behind: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(name for wave in self.waves for name in wave.targets)

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "waves": [{"name": wave.name, "targets": list(wave.targets)} for wave in self.waves],
            "max_failed": self.limits.max_failed,
            "total": self.limits.total,
            "behind": list(self.behind),
        }


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Makes the plans for one fleet. `canary` are names of targets, `batch` how many switch at once
    after them, `max_failed` how many of the whole fleet may fail.
    """

    targets: Sequence[str]
    canary: Sequence[str]
    batch: CountOrPercent
    max_failed: CountOrPercent

    def at_once(self, stage: str, targets: Sequence[str]) -> Plan:
        """Everyone together, as for a fetch, where stopping is free."""
        return Plan(stage=stage, waves=_all(targets), limits=self._limits)

    def in_waves(
        self,
        stage: str,
        targets: Sequence[str],
        *,
        behind: Sequence[str] = (),
        batch: CountOrPercent | None = None,
    ) -> Plan:
        """The canaries first, then batches; `batch` instead of the configured size."""
        waves = tuple(self._waves(targets, batch or self.batch))
        return Plan(stage=stage, waves=waves, limits=self._limits, behind=tuple(behind))

    def without_stop(self, stage: str, targets: Sequence[str]) -> Plan:
        """Everyone together, whoever fails: the way back, and targets that catch up."""
        limits = Limits(max_failed=None, total=len(self.targets))
        return Plan(stage=stage, waves=_all(targets), limits=limits)

    @property
    def _limits(self) -> Limits:
        total = len(self.targets)
        return Limits(max_failed=self.max_failed.of(total), total=total)

    def _waves(self, targets: Sequence[str], batch: CountOrPercent) -> Iterator[Wave]:
        first = tuple(name for name in targets if name in self.canary)
        rest = [name for name in targets if name not in self.canary]
        if first:
            yield Wave("canary", first)
        step = batch.at_least_one(len(targets))
        starts = range(0, len(rest), step)
        for number, start in enumerate(starts, 1):
            name = f"batch {number} of {len(starts)}" if len(starts) > 1 or first else "all"
            yield Wave(name, tuple(rest[start : start + step]))


def _all(targets: Sequence[str]) -> tuple[Wave, ...]:
    return (Wave("all", tuple(targets)),) if targets else ()
