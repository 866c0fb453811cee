"""The two stages: everything that can fail happens in `fetch`, where stopping is free; `switch` is
a rename.

A story calls the steps in its own order. They send orders and decide at the gate; the desired state
and the rollout's own state are the caller's, who writes them between the stages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sartoris.fleet.batches import Batches
from sartoris.fleet.desired import Desired
from sartoris.fleet.fleet import Fleet, StageResult
from sartoris.fleet.gate import Gate


@dataclass(frozen=True, kw_only=True)
class LiveRelease:
    """A release as targets are told of it. `size`: bytes that fetching it may need, 0: unknown."""

    release: str
    commit: str
    deploy_text: str = ""
    size: int = 0

    @classmethod
    def desired(cls, desired: Desired, size: int = 0) -> LiveRelease:
        return cls(
            release=desired.release,
            commit=desired.commit,
            deploy_text=desired.deploy_text,
            size=size,
        )


@dataclass(frozen=True)
class TwoStageSync:
    fleet: Fleet
    gate: Gate
    batches: Batches

    def fetch(self, release: LiveRelease, targets: Iterable[str]) -> StageResult:
        """Every one of `targets` gets the release beside what is live."""
        return self.fleet.fetch(
            release.release, release.commit, release.deploy_text, release.size, targets
        )

    def gate_opens(self, result: StageResult, behind: Iterable[str] = ()) -> bool:
        """Whether the failures of a stage, and those already left behind, are few enough."""
        failed = {*result.failed, *behind}
        return self.gate.opens(result.stage, failed, len(self.fleet.targets))

    def switch(
        self, release: LiveRelease, targets: Iterable[str], behind: Iterable[str] = ()
    ) -> StageResult:
        """Make the release live on `targets`: the canary group, then batch by batch.

        Stops after the group in which too many have failed; the rest are then not in the result.
        """
        result = StageResult("switch", {})
        for group in self.batches.of(tuple(targets)):
            switched = self.fleet.switch(
                release.release, release.commit, release.deploy_text, group
            )
            result = result.and_then(switched)
            if switched.failed and not self.gate_opens(result, behind):
                break
        return result

    def bring(self, release: LiveRelease, targets: Iterable[str]) -> StageResult:
        """Fetch, and switch those that could: for targets that catch up, with no gate between."""
        fetched = self.fetch(release, targets)
        if not fetched.succeeded:
            return fetched
        return fetched.and_then(
            self.fleet.switch(
                release.release, release.commit, release.deploy_text, fetched.succeeded
            )
        )

    def take_back(self, left: str, desired: Desired | None, targets: Iterable[str]) -> StageResult:
        """Make live again what the slot had before the release `left`; nothing, if it had none."""
        names = tuple(targets)
        if desired is None:
            return self._withdraw(left, names)
        release = LiveRelease.desired(desired)
        result = self.fleet.switch(release.release, release.commit, release.deploy_text, names)
        # One that no longer holds the release (it was away, or its disk was changed) gets it anew.
        return result.and_then(self.bring(release, result.failed)) if result.failed else result

    def _withdraw(self, release: str, targets: Iterable[str]) -> StageResult:
        """Make nothing live on targets that had nothing.

        A deployment server that is new, or has lost its desired state, does not know what the
        others had. It leaves them the release that they have: nothing live would be worse.
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
            if outcome.live == release and outcome.previous
        }
        bare = [name for name in asked.outcomes if name not in had]
        return StageResult("withdraw", had).and_then(self.fleet.withdraw(release, bare))
