"""`git deploy converge`: targets that were away get what their slot should have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sartoris.errors import Refused, SyncIncomplete
from sartoris.rollout import announcing
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.purge import purge
from sartoris.rollout.steps import failed_of
from sartoris.sync.desired import Desired
from sartoris.sync.two_stage import LiveRelease


@dataclass(frozen=True)
class Converged:
    """One slot. `brought` targets were not current and are now; the other `asked` always were."""

    desired: Desired
    asked: tuple[str, ...]
    brought: tuple[str, ...]


class StillBehind(SyncIncomplete):
    """Some targets could not be brought to the desired state."""


def converge(d: Deployment, names: Sequence[str]) -> list[Converged]:
    """Bring the named targets, or all, to the desired state of every slot.

    It never runs ahead of a rollout: the desired state names a release only once its gate is
    passed. Raises `StillBehind` after everything that could be brought was, `CommandRunning` while
    a sync runs, `WrongUsage` for a name that is no target.
    """
    with d.exclusively():
        slots = _desired_slots(d)
        chosen = d.of(slots[0].prefix).fleet.chosen(names)
        results = [_converge(d.of(slot.prefix), slot, chosen) for slot in slots]
        _announce(d, results)
    failed = [text for _, text in results if text]
    if failed:
        raise StillBehind(
            "\n".join(failed),
            next_steps=["git deploy converge   # once the cause is mended", "git deploy report"],
        )
    return [converged for converged, _ in results]


def _announce(d: Deployment, results: Sequence[tuple[Converged, str]]) -> None:
    """Say nothing when nothing was behind: a converge may be typed by cron, every hour."""
    told = [
        failed or f"{done.desired.slot} at {done.desired.release}: brought {' '.join(done.brought)}"
        for done, failed in results
        if done.brought
    ]
    d.action = "converge"
    if told:
        announcing.converged(d, "\n".join(told))


def _desired_slots(d: Deployment) -> list[Desired]:
    slots = list(d.desired.slots().values())
    if not slots or not d.has_fleet:
        raise Refused(
            "nothing has been deployed from here yet, so there is nothing to converge on",
            next_steps=["git deploy start"],
        )
    return slots


def _converge(d: Deployment, desired: Desired, chosen: tuple[str, ...]) -> tuple[Converged, str]:
    """One slot; with what failed, as text."""
    behind = _behind(d, chosen, desired)
    failed = _bring(d, desired, behind) if behind else ""
    return Converged(desired, chosen, behind), failed


def _behind(d: Deployment, chosen: Sequence[str], desired: Desired) -> tuple[str, ...]:
    with d.events.step("ask"):
        asked = d.fleet.status(chosen)
    return asked.not_current(desired.release)


def _bring(d: Deployment, desired: Desired, behind: Sequence[str]) -> str:
    with d.events.step("converge", desired.release):
        release = d.publish.publish(desired.release, desired.source)
        result = d.two_stage.bring(LiveRelease.desired(desired, release.size), behind)
    purge(d, desired.prefix, desired.release)  # of what these targets have served until now
    if not result.failed:
        return ""
    outcomes = list(result.outcomes.values())
    failed = failed_of("converge", outcomes, len(outcomes), str(d.config.max_failed))
    return f"{failed}\nThe others have {desired.release} live."
