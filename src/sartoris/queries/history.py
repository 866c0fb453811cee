"""`git deploy history`: what the journal has of the rollouts, event by event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sartoris.errors import Refused
from sartoris.journal.store import Journal, RolloutRecord
from sartoris.rollout.site import Site


class NoSuchRollout(Refused):
    """The journal does not know the rollout that was asked for."""


@dataclass(frozen=True)
class RolloutHistory:
    """One rollout, and its events as in `--json`, oldest first.

    `rollout` is None for a command that was refused before it could begin one.
    """

    rollout: RolloutRecord | None
    events: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        rollout = self.rollout.__dict__ if self.rollout else None
        return {"rollout": rollout, "events": list(self.events)}


def rollouts(site: Site, journal: Journal, *, count: int) -> tuple[RolloutRecord, ...]:
    """The newest rollouts, newest first, those without a tag too; `count` 0: all of them.

    Of the prefix that was typed, or of all. Raises `JournalUnusable`.
    """
    return tuple(journal.rollouts(prefix=site.options.prefix, limit=count or -1, tagged=False))


def of_tag(journal: Journal, tag: str) -> RolloutHistory:
    """The rollout that `tag` names. Raises `NoSuchRollout`, `JournalUnusable`."""
    found = journal.rollout_of_tag(tag)
    if found is None:
        raise _unknown(f"the journal has no rollout {tag}")
    return RolloutHistory(found, tuple(journal.events(found.session)))


def of_session(journal: Journal, session: str) -> RolloutHistory:
    """The rollout with this session, which has a tag only once it is synced.

    Raises `NoSuchRollout`, `JournalUnusable`.
    """
    events = tuple(journal.events(session))
    if not events:
        raise _unknown(f"the journal has no session {session}")
    return RolloutHistory(journal.rollout_of_session(session), events)


def _unknown(message: str) -> NoSuchRollout:
    return NoSuchRollout(message, next_steps=["git deploy history", "git deploy history --count 0"])
