"""`git deploy converge`: targets that were away get what their slot should have."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sartoris.actions import announcing
from sartoris.actions.purge import purge
from sartoris.errors import NoTargets, Refused, SyncIncomplete
from sartoris.fleet.adopted import adopt_steps
from sartoris.fleet.causes import blames_publishing, describe_failures
from sartoris.fleet.desired import Desired
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.fleet.runner import Ran
from sartoris.fleet.shared import leave_steps
from sartoris.fleet.slot_fleet import SlotFleet
from sartoris.journal.store import RolloutRecord
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.state import StateLost
from sartoris.rollout.transitions import explain, way_on
from sartoris.rollout.wanted import MADE_THERE, has_moved, place_of, say_moved, wanted


@dataclass(frozen=True)
class Converged:
    """One slot, which should have `release` live, "" for nothing.

    `brought` targets were not current and are now, but for those that `failed` names and explains
    ("" for none), with `steps` to type for some causes; the other `asked` always were current.
    """

    slot: str
    release: str
    asked: tuple[str, ...]
    brought: tuple[str, ...]
    failed: str = ""
    steps: tuple[str, ...] = ()


class StillBehind(SyncIncomplete):
    """Some targets could not be brought to the desired state."""


class RolloutOpen(Refused):
    """A rollout has switched some targets, and has to be brought to its end."""


def converge(
    command: Command, names: Sequence[str], *, again: str = "git deploy converge"
) -> list[Converged]:
    """Bring the named targets, or all, to the desired state of every slot. `again`: what to type
    once more.

    It never runs ahead of a rollout: the desired state names a release only once its gate is
    passed. What a rollout has half switched it leaves to that rollout, and raises `RolloutOpen`
    where there is nothing else. Raises `StillBehind` after everything that could be brought was,
    `CommandRunning` while a sync runs, `WrongUsage` for a name that is no target.
    """
    again = " ".join([again, *command.site.options.typed_again])
    with command.exclusively():
        checks.require_source(command.site)
        slots, withdrawn = _slots(command), _withdrawn(command)
        _require_something(command, bool(slots or withdrawn))
        slots = _without_open_rollout(command, slots)
        prefixes = [slot.prefix for slot in slots] + ([withdrawn.prefix] if withdrawn else [])
        theirs = _by_fleet(command, prefixes, names)
        slots = [slot for slot in slots if slot.prefix in theirs]
        results = [_bring(command, slot, theirs[slot.prefix], again) for slot in slots]
        if withdrawn and withdrawn.prefix in theirs:
            results.append(_withdraw(command, withdrawn, theirs[withdrawn.prefix]))
        _announce(command, results)
    _require_converged(results, again)
    return results


def _slots(command: Command) -> list[Desired]:
    """What should be live, where it was made live: never at a path that has not seen a sync."""
    site, slots = command.site, command.records.desired.slots()
    if not site.has_any_fleet:
        return []
    found = wanted(site, slots.values())
    for one in found:
        if has_moved(site, one):
            command.events.warn(
                f"{one.slot} is converged at {one.path}: {say_moved(site, one)}\n{MADE_THERE}"
            )
    return found


def _by_fleet(
    command: Command, prefixes: Sequence[str], names: Sequence[str]
) -> dict[str, Sequence[str]]:
    """The prefixes whose fleets have any of the named targets, each with those; all without names.

    Raises `NoTargets` for names that no fleet has.
    """
    fleets = {prefix: command.fleets.transport(prefix).fleet() for prefix in prefixes}
    known = dict.fromkeys(name for fleet in fleets.values() for name in fleet)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NoTargets(unknown, known)
    found = {prefix: [name for name in names if name in fleet] for prefix, fleet in fleets.items()}
    return {prefix: theirs for prefix, theirs in found.items() if theirs or not names}


def _without_open_rollout(command: Command, slots: list[Desired]) -> list[Desired]:
    """The slots without that of a rollout in progress that may have switched some targets only.

    Its waves, its gates and its end are its own. Raises `RolloutOpen` where no other slot is left.
    """
    with suppress(StateLost):
        state = command.records.state.read()
        if state is None or command.records.lock.holder() is None:
            return slots
        why, on = explain(state, None)[0], way_on(state)
        rest = [one for one in slots if one.prefix != state.prefix]
        if len(rest) == len(slots) or not on:
            return slots
        text = f"the rollout of {state.prefix} ({state.rollout_tag or 'no tag yet'}) is open: {why}"
        if not state.is_half_switched:
            command.events.warn(f"{text}\n{on}   # goes on with it")
            return slots
        if not rest:
            steps = [f"{on}   # goes on with it", "git deploy status"]
            raise RolloutOpen(f"{text}\nConverging would not end it", next_steps=steps)
        command.events.warn(f"{text}, so {state.slot} is left as it is\n{on}   # goes on with it")
        return rest
    return slots


def _bring(command: Command, desired: Desired, names: Sequence[str], again: str) -> Converged:
    """One slot that should have something. Those that do not answer are asked once."""
    command = command.in_slot(desired.prefix)
    fleet = command.fleets.of(place_of(command.site, desired))
    chosen = fleet.fleet.chosen(names)
    with command.events.step("ask"):
        asked = fleet.fleet.status(chosen)
    behind = asked.not_current(desired.release)
    silent = StageResult("fetch", {n: one for n, one in asked.outcomes.items() if one.silent})
    if not behind:
        return Converged(desired.slot, desired.release, chosen, ())
    with command.events.step("converge", desired.release):
        release = command.effects.publish(desired.release, desired.source)
        ran = fleet.catch_up(ReleaseSpec.desired(desired, release.size), behind, silent)
        if blames_publishing(ran.result.outcomes.values()) and command.effects.mend_publishing():
            ran = fleet.catch_up(ReleaseSpec.desired(desired, release.size), behind, silent)
    purge(command, desired.prefix, desired.release)  # of what these targets have served until now
    failed = _failed(command, ran)
    others = [name for name in chosen if name not in ran.failed]
    if failed and others:
        failed += f"\n{_said_of(others)} {desired.release} live."
    outcomes = ran.result.outcomes.values()
    readmitted = [name for name in behind if name in command.records.away.read()]
    steps = (*adopt_steps(outcomes, again), *leave_steps(outcomes, again, readmitted))
    return Converged(desired.slot, desired.release, chosen, behind, failed, steps)


def _said_of(others: Sequence[str]) -> str:
    """Only those that were asked are known."""
    if len(others) == 1:
        return f"The other target that was asked, {others[0]}, has"
    return f"The other {len(others)} targets that were asked have"


def _withdraw(command: Command, record: RolloutRecord, names: Sequence[str]) -> Converged:
    """One slot that should have nothing live."""
    fleet = command.fleets.of(command.site.slot(record.prefix))
    chosen = fleet.fleet.chosen(names)
    behind = _with_release(command, fleet, record.release, chosen)
    if not behind:
        return Converged(record.slot, "", chosen, ())
    with command.events.step("withdraw", record.release):
        ran = fleet.roll_back(record.release, None, behind)
    return Converged(record.slot, "", chosen, behind, _failed(command, ran))


def _with_release(
    command: Command, fleet: SlotFleet, release: str, chosen: Sequence[str]
) -> tuple[str, ...]:
    with command.events.step("ask"):
        asked = fleet.fleet.status(chosen)
    return tuple(n for n, o in asked.outcomes.items() if not o.ok or o.live == release)


def _withdrawn(command: Command) -> RolloutRecord | None:
    """The last rollout, if it was a slot's first and was aborted: its release belongs nowhere.

    Not a revert: its release was made by another rollout, and may well be what should be live.
    """
    last = next(iter(command.journal.rollouts(limit=1)), None)
    if last is None or last.result != "aborted" or not last.release or last.release != last.tag:
        return None
    return None if command.records.desired.of(last.slot) else last


def _require_something(command: Command, known: bool) -> None:
    if not command.site.has_any_fleet or not known:
        raise Refused(
            "nothing has been deployed from here yet, so there is nothing to converge on",
            next_steps=["git deploy start"],
        )


def _announce(command: Command, results: Sequence[Converged]) -> None:
    """Say nothing when nothing was behind: a converge may be typed by cron, every hour."""
    lines = [
        done.failed
        or f"{done.slot} at {done.release or 'nothing'}: brought {' '.join(done.brought)}"
        for done in results
        if done.brought
    ]
    if lines:
        announcing.converged(command, "\n".join(lines))


def _require_converged(results: Sequence[Converged], again: str) -> None:
    failed = [done.failed for done in results if done.failed]
    if failed:
        raise StillBehind(
            "\n".join(failed),
            next_steps=[
                *dict.fromkeys(step for done in results for step in done.steps),
                f"{again}   # once the cause is fixed",
                "git deploy report",
            ],
        )


def _failed(command: Command, ran: Ran) -> str:
    if not ran.failed:
        return ""
    outcomes = ran.result.outcomes.values()
    allowed = str(command.site.max_failed)
    return describe_failures("converge", outcomes, len(outcomes), allowed)
