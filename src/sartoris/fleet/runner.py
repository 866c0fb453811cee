"""The one runner of plans: wave by wave, with a decision after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sartoris.events import EventStream, GateDecided, Planned
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.plan import Plan

# Sends one wave its order; what each of its targets answered.
Act = Callable[[tuple[str, ...]], StageResult]


@dataclass(frozen=True)
class Ran:
    """What came of a plan. `passed`: few enough failed that the rollout may go on.

    Targets of waves that were not reached any more are not in the `result`.
    """

    plan: Plan
    result: StageResult
    passed: bool

    @property
    def succeeded(self) -> tuple[str, ...]:
        return self.result.succeeded

    @property
    def failed(self) -> tuple[str, ...]:
        return self.result.failed

    @property
    def untouched(self) -> tuple[str, ...]:
        """The targets of waves that were not reached."""
        return tuple(name for name in self.plan.targets if name not in self.result.outcomes)


@dataclass(frozen=True)
class Runner:
    events: EventStream

    def run(self, plan: Plan, act: Act) -> Ran:
        """Take each wave by `act`, and stop after the one with which too many have failed.

        Raises nothing because of a target; whoever gets the result decides what a stop means.
        """
        if plan.waves:
            self.events.emit(_planned(plan))
        result = StageResult(plan.stage, {})
        for wave in plan.waves:
            result = result.and_then(act(wave.targets))
            if not self.decide(plan, result, wave.name):
                return Ran(plan, result, passed=False)
        return Ran(plan, result, passed=True)

    def decide(self, plan: Plan, result: StageResult, wave: str = "all") -> bool:
        """The gate after a wave: whether few enough have failed until now to go on."""
        if plan.limits.max_failed is None:
            return True
        failed = sorted({*result.failed, *plan.behind})
        passed = plan.limits.allow(len(failed))
        self.events.emit(
            GateDecided(
                stage=plan.stage,
                wave=wave,
                passed=passed,
                failed=tuple(failed),
                allowed=plan.limits.max_failed,
                total=plan.limits.total,
            )
        )
        return passed


def _planned(plan: Plan) -> Planned:
    return Planned(
        stage=plan.stage,
        waves=tuple((wave.name, wave.targets) for wave in plan.waves),
        allowed=plan.limits.max_failed,
        total=plan.limits.total,
        behind=plan.behind,
    )
