"""Follows what another process records for the rollout of this command."""

from __future__ import annotations

from collections.abc import Callable

from sartoris.events import CommandEnded, CommandStarted, Event
from sartoris.journal.reading import event_of
from sartoris.journal.store import Journal, JournalUnusable


class Follower:
    """Hands on, each time it is called, what was recorded in `session` since.

    Not what this process recorded itself, which it hears as a listener (`mine`); and not the
    commands that were refused meanwhile: those are other people's.
    """

    def __init__(self, journal: Journal, session: str, relay: Callable[[Event], None]) -> None:
        self._journal = journal
        self._session = session
        self._relay = relay
        self._mine: set[int] = set()
        self._seq = journal.last_seq()

    def mine(self, event: Event) -> None:
        self._mine.add(event.seq)

    def __call__(self) -> None:
        try:
            documents = self._journal.since(self._seq)
        except JournalUnusable:  # nothing to follow in; who records there says so
            return
        for document in documents:
            self._seq = document["seq"]
            event = event_of(document)
            if event is not None and self._is_relayed(event):
                self._relay(event)

    def _is_relayed(self, event: Event) -> bool:
        others = isinstance(event, CommandStarted | CommandEnded)
        return event.session == self._session and event.seq not in self._mine and not others
