"""`git deploy history`: what the journal has of the rollouts, event by event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sartoris.errors import Refused
from sartoris.journal.store import Journal, RolloutRecord
from sartoris.rollout.deployment import Deployment


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


def rollouts(d: Deployment, *, count: int) -> tuple[RolloutRecord, ...]:
    """The newest rollouts, newest first, those without a tag too; `count` 0: all of them.

    Of the prefix that was typed, or of all. Raises `JournalUnusable`.
    """
    if not d.journal_path.exists():
        return ()  # a question makes no journal
    return tuple(d.journal.rollouts(prefix=d.options.prefix, limit=count or -1, tagged=False))


def of_tag(d: Deployment, tag: str) -> RolloutHistory:
    """The rollout that `tag` names. Raises `NoSuchRollout`, `JournalUnusable`."""
    found = d.journal.rollout_of_tag(tag) if d.journal_path.exists() else None
    if found is None:
        raise _unknown(f"the journal has no rollout {tag}")
    return _history(d.journal, found, found.session)


def of_session(d: Deployment, session: str) -> RolloutHistory:
    """The rollout with this session, which has a tag only once it is synced.

    Raises `NoSuchRollout`, `JournalUnusable`.
    """
    if d.journal_path.exists():
        history = _history(d.journal, d.journal.rollout_of_session(session), session)
        if history.events:
            return history
    raise _unknown(f"the journal has no session {session}")


def _history(journal: Journal, rollout: RolloutRecord | None, session: str) -> RolloutHistory:
    return RolloutHistory(rollout, tuple(journal.events(session)))


def _unknown(message: str) -> NoSuchRollout:
    return NoSuchRollout(message, next_steps=["git deploy history", "git deploy history --count 0"])
