"""Listens to the events of a rollout and writes them to the journal."""

from __future__ import annotations

from sartoris.events import Event, EventStream
from sartoris.journal.store import Journal, JournalUnusable


class Recorder:
    """Once a rollout runs, a journal that stops taking records must not stop it half way.

    So the first event that cannot be written is a warning, and the rest of this command goes on
    unrecorded. (A journal that cannot even be opened stops the command before it begins.)
    """

    def __init__(self, journal: Journal, events: EventStream) -> None:
        self._journal = journal
        self._events = events
        self._broken = False

    def __call__(self, event: Event) -> None:
        if self._broken:
            return
        try:
            self._journal.record(event)
        except JournalUnusable as error:
            self._broken = True
            self._events.warn(f"{error.message}; this command goes on without it")
