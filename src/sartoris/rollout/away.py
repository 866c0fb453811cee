"""The targets that are taken out of rollouts until somebody says that they are back.

One JSON file in the deployment server's `.git/deploy/`. A server that is dead for a week closes
every gate until it is written down here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sartoris import documents
from sartoris.formatting import minute

_WHAT = "the list of targets that are away"


@dataclass(frozen=True, kw_only=True)
class Away:
    """One target. `since` is in seconds since the epoch, `by` is `Name <mail>`, `why` may be "".

    `unknown` are the fields of a later version.
    """

    since: float
    by: str
    why: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return documents.fields_of(asdict(self))

    @classmethod
    def from_json(cls, document: object) -> Away:
        """Raises ValueError."""
        return cls(**documents.values_of(cls, document))

    def describe(self) -> str:
        """`away since 2026-11-30 03:00, by Some Deployer: disk died`."""
        when = minute(self.since)
        name = self.by.split(" <")[0]
        return f"away since {when}, by {name}{f': {self.why}' if self.why else ''}"


class AwayFile:
    """The file at `path`. Reading and writing raise `NewerVersion`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Away]:
        """By target. Of a file that cannot be read nobody is away: then a gate closes, at worst."""
        try:
            return documents.read(self.path, _WHAT, _targets_of) or {}
        except documents.Unreadable:
            return {}

    def write(self, away: Mapping[str, Away]) -> None:
        if not away:
            documents.remove(self.path)
            return
        targets = {name: one.to_json() for name, one in away.items()}
        documents.write(self.path, {**self._unknown(), "targets": targets})

    def _unknown(self) -> dict[str, Any]:
        """The fields beside the targets, of a later version."""
        try:
            return documents.read(self.path, _WHAT, _beside_targets) or {}
        except documents.Unreadable:
            return {}


def _targets_of(document: dict[str, Any]) -> dict[str, Away]:
    targets = document.get("targets")
    if not isinstance(targets, dict):
        raise documents.Malformed("it has no targets")
    return {name: Away.from_json(one) for name, one in targets.items()}


def _beside_targets(document: dict[str, Any]) -> dict[str, Any]:
    return documents.unknown_in(document, "targets")
