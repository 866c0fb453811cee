"""`git deploy report`: what is live where, from the journal and from the targets themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sartoris.fleet.desired import Desired
from sartoris.journal.store import RolloutRecord, TargetRecord
from sartoris.orders import Outcome
from sartoris.rollout.deployment import Deployment

Condition = Literal["current", "behind", "unfinished", "damaged", "silent"]


@dataclass(frozen=True, kw_only=True)
class TargetReport:
    """One target. `condition`: `current` has what the slot should have; `behind` has something
    else; `unfinished` has it, but its service or its live hooks, what is `due`, did not come to
    their end; `damaged` has it, but not as it was fetched; `silent` did not answer, so `live` is
    what it had when it last did (`seen`, seconds since the epoch, None for never).

    `complete` and `changed` are known after `--verify` only.
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

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "due": list(self.due), "changed": list(self.changed)}


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

    `note`: why the desired state is not from its file, "" if it is.
    """

    repository: str
    slots: tuple[SlotReport, ...]
    rollouts: tuple[RolloutRecord, ...]
    verified: bool
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "slots": [slot.to_json() for slot in self.slots],
            "rollouts": [rollout.__dict__ for rollout in self.rollouts],
            "verified": self.verified,
            "note": self.note,
        }


def report(d: Deployment, *, verify: bool = False, rollouts: int = 5) -> Report:
    """Ask every target, for the prefix that was typed, or for every slot that was ever deployed.

    A target that was taken out of the configuration is not reported.
    """
    note = d.desired.read().note if d.has_fleet else ""
    return Report(
        repository=d.config.repo_name,
        slots=tuple(_report_slot(d.of(prefix), verify=verify) for prefix in _prefixes(d)),
        rollouts=tuple(d.journal.rollouts(prefix=d.options.prefix, limit=rollouts)),
        verified=verify,
        note=note,
    )


def _prefixes(d: Deployment) -> list[str]:
    if d.options.prefix is not None or not d.has_fleet:
        return [d.prefix]
    deployed = sorted({slot.prefix for slot in d.desired.slots().values()})
    return deployed or [d.prefix]


def _report_slot(d: Deployment, *, verify: bool) -> SlotReport:
    if not d.has_fleet:
        return SlotReport(prefix=d.prefix, slot=d.slot, path="", desired=None, targets=())
    desired = d.desired.of(d.slot)
    known = d.journal.targets(d.slot)
    asked = d.fleet.verify(d.fleet.targets) if verify else d.fleet.status(d.fleet.targets)
    targets = (
        _judge(outcome, desired, known.get(name)) for name, outcome in asked.outcomes.items()
    )
    return SlotReport(
        prefix=d.prefix,
        slot=d.slot,
        path=d.fleet.order.path,
        desired=desired,
        targets=tuple(targets),
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
    )


def _condition(outcome: Outcome, release: str) -> Condition:
    if outcome.live != release:
        return "behind"
    if outcome.complete is False or outcome.changed:
        return "damaged"  # also when it is unfinished: new trees mend both
    return "current" if outcome.is_current(release) else "unfinished"
