"""`git deploy report`: what is live where, from the journal and from the targets themselves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sartoris.fleet.desired import Desired
from sartoris.journal.store import RolloutRecord, TargetRecord
from sartoris.orders import Outcome
from sartoris.queries.came import Came, last_came
from sartoris.queries.not_pushed import NotPushed, not_pushed
from sartoris.queries.status import Status, status
from sartoris.rollout.command import Command
from sartoris.rollout.site import Site
from sartoris.rollout.state import StateLost
from sartoris.rollout.wanted import MADE_THERE, has_moved, place_of, say_moved, wanted

Verify = Literal["", "release", "all"]
Condition = Literal["current", "behind", "unfinished", "damaged", "silent"]


@dataclass(frozen=True, kw_only=True)
class TargetReport:
    """One target. `condition`: `current` has what the slot should have; `behind` has something
    else; `unfinished` has it, but its service or its live hooks, what is `due`, did not come to
    their end; `damaged` has it, but not as it was fetched; `silent` did not answer, so `live` is
    what it had when it last did (`seen`, seconds since the epoch, None for never).

    `in_the_way` is what stands at the path and is not ours, as the word of an error.

    `complete`, `changed` and `added` are known after `--verify` only. `came` is how the objects of
    the last rollout came there, None if none had to.
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
    in_the_way: str = ""
    came: Came | None = None

    def to_json(self) -> dict[str, Any]:
        lists = {"due": self.due, "changed": self.changed, "added": self.added}
        came = self.came.to_json() if self.came else None
        listed = {name: list(values) for name, values in lists.items()}
        return {**self.__dict__, **listed, "came": came}


@dataclass(frozen=True, kw_only=True)
class SlotReport:
    """One slot: what it should have, and what its targets have. `moved`: that `deploy.path` names
    another place by now, "" if it does not. `unpushed`: what is live, and only in this clone.
    """

    prefix: str
    slot: str
    path: str
    desired: Desired | None
    targets: tuple[TargetReport, ...]
    moved: str = ""
    unpushed: NotPushed | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "prefix": self.prefix,
            "slot": self.slot,
            "path": self.path,
            "moved": self.moved,
            "unpushed": self.unpushed.text if self.unpushed else "",
            "desired": self.desired.to_json() if self.desired else None,
            "targets": [target.to_json() for target in self.targets],
        }

    @property
    def not_current(self) -> tuple[TargetReport, ...]:
        return tuple(target for target in self.targets if target.condition != "current")


@dataclass(frozen=True, kw_only=True)
class Report:
    """A repository: its slots, and the rollouts that led there, newest first.

    `note`: why the desired state is not from its file, "" if it is. `open`: the rollout
    that is in progress. `away`: the targets that are, each with since when, by whom and why.
    """

    repository: str
    slots: tuple[SlotReport, ...]
    rollouts: tuple[RolloutRecord, ...]
    verified: bool
    note: str = ""
    open: Status | None = None
    away: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "slots": [slot.to_json() for slot in self.slots],
            "rollouts": [rollout.__dict__ for rollout in self.rollouts],
            "verified": self.verified,
            "note": self.note,
            "away": dict(self.away),
            "open": self.open.to_json() if self.open else None,
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
        note=command.records.desired.read().note if site.has_any_fleet else "",
        open=_open_rollout(command),
        away=command.fleets.left_out() if site.has_any_fleet else {},
    )


def _prefixes(command: Command) -> list[str]:
    site = command.site
    if site.options.prefix is not None or not site.has_any_fleet:
        return [site.prefix]
    deployed = sorted({slot.prefix for slot in command.records.desired.slots().values()})
    return deployed or [site.prefix]


def _open_rollout(command: Command) -> Status | None:
    """A rollout that shares only its lock with this repository is none of it."""
    with suppress(StateLost):
        found = status(command.site, command.records)
        return found if found.state is not None else None
    return None


def _report_slot(command: Command, prefix: str, *, verify: Verify) -> SlotReport:
    site = command.site.in_slot(prefix)
    slot = site.slot(prefix)
    if not site.has_fleet:
        return SlotReport(prefix=prefix, slot=slot.name, path="", desired=None, targets=())
    slots = wanted(site, command.records.desired.slots().values())
    desired = next((one for one in slots if one.prefix == prefix), None)
    slot = place_of(site, desired) if desired else slot
    known = command.journal.targets(slot.name)
    fleet = command.fleets.of(slot).fleet
    if verify:
        asked = fleet.verify(fleet.targets, everything=verify == "all")
    else:
        asked = fleet.status(fleet.targets)
    came = last_came(command.journal, prefix)
    targets = (
        replace(_judge(outcome, desired, known.get(name)), came=came.get(name))
        for name, outcome in asked.outcomes.items()
    )
    return SlotReport(
        prefix=prefix,
        slot=slot.name,
        path=slot.path,
        desired=desired,
        targets=tuple(targets),
        moved=_moved(site, desired) if desired else "",
        unpushed=not_pushed(site, command.records, prefix),
    )


def _moved(site: Site, desired: Desired) -> str:
    return f"{say_moved(site, desired)}\nNext: {MADE_THERE}" if has_moved(site, desired) else ""


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
        in_the_way=outcome.in_the_way,
    )


def _condition(outcome: Outcome, release: str) -> Condition:
    if outcome.live != release:
        return "behind"
    if outcome.complete is False or outcome.changed or outcome.added:
        return "damaged"  # also when it is unfinished: new trees fix both
    return "current" if outcome.is_current(release) else "unfinished"
