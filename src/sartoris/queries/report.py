"""`git deploy report`: what is live where, from the journal and from the targets themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sartoris.fleet.desired import Desired
from sartoris.journal.store import RolloutRecord, TargetRecord
from sartoris.orders import Outcome
from sartoris.rollout.command import Command

Verify = Literal["", "release", "all"]
Condition = Literal["current", "behind", "unfinished", "damaged", "silent"]


@dataclass(frozen=True, kw_only=True)
class TargetReport:
    """One target. `condition`: `current` has what the slot should have; `behind` has something
    else; `unfinished` has it, but its service or its live hooks, what is `due`, did not come to
    their end; `damaged` has it, but not as it was fetched; `silent` did not answer, so `live` is
    what it had when it last did (`seen`, seconds since the epoch, None for never).

    `complete`, `changed` and `added` are known after `--verify` only.
    """

    target: str
    condition: Condition
    live: str
    seen: float | None
    error: str = ""
    message: str = ""
    due: tuple[str, ...] = ()
    complete: bool | None = None
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        lists = {"due": self.due, "changed": self.changed, "added": self.added}
        return {**self.__dict__, **{name: list(values) for name, values in lists.items()}}


@dataclass(frozen=True, kw_only=True)
class SlotReport:
    """One slot: what it should have, and what its targets have."""

    prefix: str
    slot: str
    path: str
    desired: Desired | None
    targets: tuple[TargetReport, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "prefix": self.prefix,
            "slot": self.slot,
            "path": self.path,
            "desired": self.desired.to_json() if self.desired else None,
            "targets": [target.to_json() for target in self.targets],
        }

    @property
    def not_current(self) -> tuple[TargetReport, ...]:
        return tuple(target for target in self.targets if target.condition != "current")


@dataclass(frozen=True, kw_only=True)
class Report:
    """A repository: its slots, and the rollouts that led there, newest first.

    `note`: why the desired state is not from its file, "" if it is. `in_progress`: a rollout is.
    """

    repository: str
    slots: tuple[SlotReport, ...]
    rollouts: tuple[RolloutRecord, ...]
    verified: bool
    note: str = ""
    in_progress: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "slots": [slot.to_json() for slot in self.slots],
            "rollouts": [rollout.__dict__ for rollout in self.rollouts],
            "verified": self.verified,
            "note": self.note,
        }


def report(command: Command, *, verify: Verify = "", rollouts: int = 5) -> Report:
    """Ask every target, for the prefix that was typed, or for every slot that was ever deployed.

    `verify`: have targets compare what is live with its release, or that and what git ignores.

    A target that was taken out of the configuration is not reported.
    """
    site = command.site
    slots = (_report_slot(command, prefix, verify=verify) for prefix in _prefixes(command))
    return Report(
        repository=site.config.repo_name,
        slots=tuple(slots),
        rollouts=tuple(command.journal.rollouts(prefix=site.options.prefix, limit=rollouts)),
        verified=bool(verify),
        note=command.records.desired.read().note if site.has_fleet else "",
        in_progress=command.records.lock.holder() is not None,
    )


def _prefixes(command: Command) -> list[str]:
    site = command.site
    if site.options.prefix is not None or not site.has_fleet:
        return [site.prefix]
    deployed = sorted({slot.prefix for slot in command.records.desired.slots().values()})
    return deployed or [site.prefix]


def _report_slot(command: Command, prefix: str, *, verify: Verify) -> SlotReport:
    slot = command.site.slot(prefix)
    if not command.site.has_fleet:
        return SlotReport(prefix=prefix, slot=slot.name, path="", desired=None, targets=())
    desired, known = command.records.desired.of(slot.name), command.journal.targets(slot.name)
    fleet = command.fleets.of(slot).fleet
    if verify:
        asked = fleet.verify(fleet.targets, everything=verify == "all")
    else:
        asked = fleet.status(fleet.targets)
    targets = (
        _judge(outcome, desired, known.get(name)) for name, outcome in asked.outcomes.items()
    )
    return SlotReport(
        prefix=prefix, slot=slot.name, path=slot.path, desired=desired, targets=tuple(targets)
    )


def _judge(outcome: Outcome, desired: Desired | None, known: TargetRecord | None) -> TargetReport:
    if not outcome.ok:
        return TargetReport(
            target=outcome.target,
            condition="silent",
            live=known.live if known else "",
            seen=known.answered_at if known else None,
            error=outcome.error,
            message=outcome.message,
        )
    return TargetReport(
        target=outcome.target,
        condition=_condition(outcome, desired.release if desired else ""),
        live=outcome.live,
        seen=None,
        due=outcome.due,
        complete=outcome.complete,
        changed=outcome.changed,
        added=outcome.added,
    )


def _condition(outcome: Outcome, release: str) -> Condition:
    if outcome.live != release:
        return "behind"
    if outcome.complete is False or outcome.changed or outcome.added:
        return "damaged"  # also when it is unfinished: new trees fix both
    return "current" if outcome.is_current(release) else "unfinished"
