"""Which way the objects of the last rollout came to each target, as the journal has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sartoris.journal.store import Journal
from sartoris.orders import Outcome


@dataclass(frozen=True, kw_only=True)
class Came:
    """To one target: `by` pack or fetch, how many bytes in how many seconds, from a url or a path.

    `refused` are urls that gave other bytes than were ordered.
    """

    by: str
    source: str
    bytes: int
    seconds: float
    refused: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        own = {"by": self.by, "from": self.source, "bytes": self.bytes, "seconds": self.seconds}
        return {**own, "refused": list(self.refused)}


def last_came(journal: Journal, prefix: str) -> Mapping[str, Came]:
    """By target, for the prefix's newest rollout; none where nothing had to come."""
    newest = journal.rollouts(prefix=prefix, limit=1)
    events = journal.events(newest[0].session) if newest else []
    found: dict[str, Came] = {}
    for event in events:
        if event["event"] != "target-answered" or event.get("stage") not in ("fetch", "converge"):
            continue
        said = event.get("outcome", {})
        one = Outcome.answered(said, action=said.get("action", ""), target=said.get("target", ""))
        if one.came_by or one.came_refused:
            found[one.target] = Came(
                by=one.came_by,
                source=one.came_from,
                bytes=one.came_bytes,
                seconds=one.came_seconds,
                refused=one.came_refused,
            )
    return found
