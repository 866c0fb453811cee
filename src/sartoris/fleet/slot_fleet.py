"""The fleet of one slot, as actions use it: each method makes a plan and has it run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from sartoris.config import CountOrPercent
from sartoris.fleet.adopted import set_aside
from sartoris.fleet.desired import Desired
from sartoris.fleet.fleet import Fleet, StageResult
from sartoris.fleet.plan import Planner
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.fleet.remaining import remaining
from sartoris.fleet.runner import Ran, Runner
from sartoris.orders import ServiceAction


@dataclass(frozen=True)
class SlotFleet:
    """`fleet` sends the orders, `planner` says who gets them when, `runner` decides after waves."""

    fleet: Fleet
    planner: Planner
    runner: Runner

    @property
    def targets(self) -> tuple[str, ...]:
        return self.fleet.targets

    def fetch(
        self,
        release: ReleaseSpec,
        targets: Sequence[str],
        silent: StageResult | None = None,
    ) -> Ran:
        """Every one of `targets` gets the release beside what is live.

        Those that are `silent` did not answer just now. They have failed, and are not asked again:
        that would take as long once more.
        """
        plan = self.planner.at_once("fetch", targets)
        known = silent or StageResult("fetch", {})
        return self.runner.run(plan, partial(self._fetch, release, known))

    def _fetch(
        self, release: ReleaseSpec, silent: StageResult, targets: tuple[str, ...]
    ) -> StageResult:
        asked = [name for name in targets if name not in silent.outcomes]
        found = {name: silent.outcomes[name] for name in targets if name in silent.outcomes}
        fetched = self.fleet.fetch(release, asked)
        return StageResult("fetch", {**found, **fetched.outcomes})

    def switch(
        self, release: ReleaseSpec, targets: Sequence[str], behind: Sequence[str] = ()
    ) -> Ran:
        """Make the release live on `targets`: the canaries, then batch by batch."""
        plan = self.planner.in_waves("switch", targets, behind=behind)
        return self._telling(self.runner.run(plan, partial(self.fleet.switch, release)))

    def catch_up(
        self, release: ReleaseSpec, targets: Sequence[str], silent: StageResult | None = None
    ) -> Ran:
        """Fetch, and switch those that could, for targets that were away: no gate between.

        Those that are `silent` have failed, as in `fetch`.
        """
        plan = self.planner.without_stop("converge", targets)
        known = silent or StageResult("converge", {})
        return self._telling(self.runner.run(plan, partial(self._bring, release, known)))

    def service(
        self,
        service: str,
        action: ServiceAction,
        targets: Sequence[str],
        batch: CountOrPercent | None,
    ) -> Ran:
        """Act on the service, in waves as a switch; `batch` instead of the configured size."""
        plan = self.planner.in_waves("service", targets, batch=batch)
        return self.runner.run(plan, partial(self.fleet.service, service, action))

    def roll_back(self, left: str, before: Desired | None, targets: Sequence[str]) -> Ran:
        """Make live again what the slot had before the release `left`; nothing, if it had none.

        A way back does not stop half way: everyone is told, whoever fails.
        """
        plan = self.planner.without_stop("roll back", targets)
        if before is None:
            return self.runner.run(plan, partial(self._withdraw, left))
        return self.runner.run(plan, partial(self._return, left, ReleaseSpec.desired(before)))

    def gate_opens(self, result: StageResult) -> bool:
        """Whether few enough failed, for whoever sends orders in an order of its own."""
        return self.runner.decide(self.planner.at_once(result.stage, self.targets), result)

    def _telling(self, ran: Ran) -> Ran:
        """The switch was the last to clean up: what remains now needs a person."""
        outcomes = ran.result.outcomes.values()
        if remains := remaining(outcomes, self.fleet.order):
            self.runner.events.warn(f"{remains.text}\n{remains.step}")
        if ran.passed and (aside := set_aside(outcomes, self.fleet.order)):
            self.runner.events.warn(aside)
        return ran

    def _bring(
        self, release: ReleaseSpec, silent: StageResult, targets: tuple[str, ...]
    ) -> StageResult:
        fetched = self._fetch(release, silent, targets)
        if not fetched.succeeded:
            return fetched
        return fetched.and_then(self.fleet.switch(release, fetched.succeeded))

    def _return(self, left: str, release: ReleaseSpec, targets: tuple[str, ...]) -> StageResult:
        """One that no longer holds the release (it was away, or its disk was changed) gets it."""
        result = self.fleet.switch(release, targets, left=left)
        if not result.failed:
            return result
        return result.and_then(self._bring(release, StageResult("fetch", {}), result.failed))

    def _withdraw(self, release: str, targets: tuple[str, ...]) -> StageResult:
        """Make nothing live on targets that had nothing.

        A deployment server that is new, or has lost its desired state, does not know what the
        others had. It leaves them the release that they have: nothing live would be worse. What a
        target has set aside for the release it can put back by itself.
        """
        asked = self.fleet.status(targets)
        had = {
            name: replace(
                outcome,
                ok=False,
                error="unknown-before",
                message=f"{outcome.previous} was live before, which this server did not put there;"
                f" if it has that tag: git deploy revert {outcome.previous}",
            )
            for name, outcome in asked.outcomes.items()
            if outcome.live == release and outcome.previous and not outcome.adopted
        }
        bare = [name for name in asked.outcomes if name not in had]
        return StageResult("withdraw", had).and_then(self.fleet.withdraw(release, bare))
