"""The gate: the decision between stages, go on or stop because too many targets failed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sartoris.config import Share
from sartoris.events import EventStream, GateDecided


@dataclass(frozen=True)
class Gate:
    """`allowed` is `deploy.max-failed`: how many of the whole fleet may fail in one rollout."""

    allowed: Share
    events: EventStream

    def opens(self, stage: str, failed: Collection[str], total: int) -> bool:
        """Whether to go on although `failed` of `total` targets did not take the stage."""
        limit = self.allowed.of(total)
        passed = len(failed) <= limit and (len(failed) < total or total == 0)
        self.events.emit(
            GateDecided(
                stage=stage,
                passed=passed,
                failed=tuple(sorted(failed)),
                allowed=limit,
                total=total,
            )
        )
        return passed
