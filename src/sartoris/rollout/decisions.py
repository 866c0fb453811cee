"""The desired state as the journal has it, decision by decision.

It is written to the journal before it is written to its file. A journal that an older Sartoris has
written lacks that: then the names of the releases lead to what their rollouts have shipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sartoris.fleet.desired import Desired, Slots, slots_of
from sartoris.journal.reader import Record, Recorded
from sartoris.rollout.delivery import Way
from sartoris.rollout.deploy_file import DeployFile


@dataclass(frozen=True, kw_only=True)
class Here:
    """What only the working repository knows: the `branch` that is checked out, the way by which
    releases of a prefix get to its servers, and the path of a prefix on its targets.
    """

    branch: str
    way: Callable[[str], Way]
    path: Callable[[str], str]


@dataclass(frozen=True)
class Decisions:
    """What the slots should have after the last decision, and all that they ever should have."""

    slots: Slots = field(default_factory=dict)
    known: Mapping[tuple[str, str], Desired] = field(default_factory=dict)

    def with_all(self, slots: Slots) -> Decisions:
        return Decisions(
            slots, {**self.known, **{(n, one.release): one for n, one in slots.items()}}
        )

    def with_one(self, slot: str, desired: Desired | None) -> Decisions:
        others = {name: one for name, one in self.slots.items() if name != slot}
        return self.with_all({**others, slot: desired} if desired else others)


def decisions(record: Record, here: Here) -> Decisions:
    """The desired state as far as the journal has it."""
    made = Decisions()
    for event in record.decisions:
        if is_document(event, "desired"):
            try:
                made = made.with_all(slots_of({"version": 1, **event["content"]}))
            except ValueError:
                continue  # a later version has written it; the change that follows says the same
        elif event["event"] == "desired-state-changed":
            made = _changed(made, event, record, here)
    return made


def _changed(made: Decisions, event: Recorded, record: Record, here: Here) -> Decisions:
    slot, release = event["slot"], event["release"]
    now = made.slots.get(slot)
    if (now.release if now else "") == release:
        return made
    return made.with_one(
        slot, made.known.get((slot, release)) or as_shipped(record, slot, release, here)
    )


def as_shipped(record: Record, slot: str, release: str, here: Here) -> Desired | None:
    """What an older Sartoris meant by a release; None for nothing, or for nothing that is known."""
    shipped = record.releases.get((slot, release))
    if shipped is None:
        return None
    text = DeployFile(
        commit=shipped.source,
        tag=shipped.rollout,
        host=shipped.host,
        user=shipped.by,
        message=shipped.message,
        at=shipped.started,
    ).text()
    return Desired(
        slot=slot,
        prefix=shipped.prefix,
        path=here.path(shipped.prefix),
        release=release,
        commit=shipped.commit,
        source=shipped.source,
        rollout=shipped.rollout,
        since=shipped.started,
        deploy_text=text,
    )


def is_document(event: Recorded, name: str) -> bool:
    """Whether the event has what a file of ours said: `rollout` or `desired`."""
    return event["event"] == "document-written" and bool(event["document"] == name)
