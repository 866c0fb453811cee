"""`git deploy converge`: targets that were away get what their slot should have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sartoris.actions import announcing
from sartoris.actions.purge import purge
from sartoris.actions.steps import failed_of
from sartoris.errors import Refused, SyncIncomplete
from sartoris.fleet.desired import Desired
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.two_stage import LiveRelease
from sartoris.journal.store import RolloutRecord
from sartoris.rollout.deployment import Deployment


@dataclass(frozen=True)
class Converged:
    """One slot, which should have `release` live, "" for nothing.

    `brought` targets were not current and are now; the other `asked` always were.
    """

    slot: str
    release: str
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
        slots, withdrawn = list(d.desired.slots().values()), _withdrawn(d)
        first = _require_something(d, slots, withdrawn)
        chosen = d.of(first.prefix).fleet.chosen(names)
        results = [_converge(d.of(slot.prefix), slot, chosen) for slot in slots]
        if withdrawn:
            results.append(_withdraw(d.of(withdrawn.prefix), withdrawn.release, chosen))
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
        failed or f"{done.slot} at {done.release or 'nothing'}: brought {' '.join(done.brought)}"
        for done, failed in results
        if done.brought
    ]
    d.action = "converge"
    if told:
        announcing.converged(d, "\n".join(told))


def _withdrawn(d: Deployment) -> RolloutRecord | None:
    """The last rollout, if it was a slot's first and was aborted: its release belongs nowhere.

    Not a revert: its release was made by another rollout, and may well be what should be live.
    """
    last = next(iter(d.journal.rollouts(limit=1)), None)
    if last is None or last.result != "aborted" or not last.release or last.release != last.tag:
        return None
    return None if d.desired.of(last.slot) else last


def _require_something(
    d: Deployment, slots: Sequence[Desired], withdrawn: RolloutRecord | None
) -> Desired | RolloutRecord:
    """Any of these: all have the same fleet."""
    first = slots[0] if slots else withdrawn
    if not d.has_fleet or first is None:
        raise Refused(
            "nothing has been deployed from here yet, so there is nothing to converge on",
            next_steps=["git deploy start"],
        )
    return first


def _withdraw(d: Deployment, release: str, chosen: tuple[str, ...]) -> tuple[Converged, str]:
    """As `_converge`, for a slot that should have nothing live."""
    with d.events.step("ask"):
        asked = d.fleet.status(chosen)
    behind = tuple(n for n, o in asked.outcomes.items() if not o.ok or o.live == release)
    converged = Converged(d.slot, "", chosen, behind)
    if not behind:
        return converged, ""
    with d.events.step("withdraw", release):
        result = d.two_stage.take_back(release, None, behind)
    return converged, _failed(d, result)


def _converge(d: Deployment, desired: Desired, chosen: tuple[str, ...]) -> tuple[Converged, str]:
    """One slot; with what failed, as text."""
    behind = _behind(d, chosen, desired)
    failed = _bring(d, desired, behind) if behind else ""
    return Converged(desired.slot, desired.release, chosen, behind), failed


def _behind(d: Deployment, chosen: Sequence[str], desired: Desired) -> tuple[str, ...]:
    with d.events.step("ask"):
        asked = d.fleet.status(chosen)
    return asked.not_current(desired.release)


def _bring(d: Deployment, desired: Desired, behind: Sequence[str]) -> str:
    with d.events.step("converge", desired.release):
        release = d.publish.publish(desired.release, desired.source)
        result = d.two_stage.bring(LiveRelease.desired(desired, release.size), behind)
    purge(d, desired.prefix, desired.release)  # of what these targets have served until now
    failed = _failed(d, result)
    return f"{failed}\nThe others have {desired.release} live." if failed else ""


def _failed(d: Deployment, result: StageResult) -> str:
    if not result.failed:
        return ""
    outcomes = list(result.outcomes.values())
    return failed_of("converge", outcomes, len(outcomes), str(d.config.max_failed))
