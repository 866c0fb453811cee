"""The desired state: which release each slot should have now.

It changes at one point of a sync, between the gate and the first switch, and targets that were away
converge on it. One JSON file in the deployment server's `.git/deploy/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sartoris import documents

WHAT = "the desired state"  # as a person calls the file

Slots = dict[str, "Desired"]


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What one slot should have. `since` is in seconds since the epoch.

    `release` is the tag under which targets hold it, `commit` the composed commit, `source` the
    commit that it was composed from, `rollout` the tag of the rollout that decided it,
    `deploy_text` what its deploy file says, `branch` the one of the remote that it was shipped
    from; "" where an older version wrote it. `unknown` are the fields of a later version.
    """

    slot: str
    prefix: str
    path: str
    release: str
    commit: str
    source: str
    rollout: str
    since: float
    deploy_text: str = ""
    branch: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return documents.fields_of(asdict(self))

    @classmethod
    def from_json(cls, document: object) -> Desired:
        """Raises ValueError."""
        return cls(**documents.values_of(cls, document))


@dataclass(frozen=True)
class Found:
    """What the slots should have. `note`: why that is not from the file, "" if it is."""

    slots: Slots
    note: str = ""


class DesiredState:
    """The file at `path`.

    `recover` gives what the slots should have when the file is damaged (it gets the reason then)
    or is not there (""): the journal may know. `written` is called with the document before it is
    written. Reading and writing raise `NewerVersion`.
    """

    def __init__(
        self,
        path: Path,
        *,
        recover: Callable[[str], Found],
        written: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.path = path
        self._recover = recover
        self._written = written

    def read(self) -> Found:
        try:
            slots = documents.read(self.path, WHAT, slots_of)
        except documents.Unreadable as error:
            return self._recover(error.why)
        return self._recover("") if slots is None else Found(slots)

    def slots(self) -> Slots:
        """What each slot should have, by its name."""
        return self.read().slots

    def of(self, slot: str) -> Desired | None:
        return self.slots().get(slot)

    def set(self, desired: Desired) -> None:
        self._write({**self.slots(), desired.slot: desired})

    def unset(self, slot: str) -> None:
        """The slot should have nothing, as before its first rollout."""
        self._write({name: one for name, one in self.slots().items() if name != slot})

    def _write(self, slots: Slots) -> None:
        document = {"slots": {name: one.to_json() for name, one in slots.items()}}
        self._written(document)
        documents.write(self.path, {**self._unknown(), **document})

    def _unknown(self) -> dict[str, Any]:
        """The fields beside the slots, of a later version."""
        try:
            return documents.read(self.path, WHAT, _beside_slots) or {}
        except documents.Unreadable:
            return {}


def read_slots(path: Path) -> Slots:
    """The slots in a file, none if there is none. Raises `NewerVersion`, `Unreadable`."""
    return documents.read(path, WHAT, slots_of) or {}


def slots_of(document: dict[str, Any]) -> Slots:
    """The slots of a document. Raises ValueError.

    Before there were versions the slots were the document itself.
    """
    slots = document.get("slots") if documents.VERSION in document else document
    if not isinstance(slots, dict):
        raise documents.Malformed("it has no slots")
    return {name: Desired.from_json(slot) for name, slot in slots.items()}


def _beside_slots(document: dict[str, Any]) -> dict[str, Any]:
    is_of_slots_only = documents.VERSION not in document
    return {} if is_of_slots_only else documents.unknown_in(document, "slots")
