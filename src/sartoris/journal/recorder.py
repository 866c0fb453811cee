"""Writes the events of a command to the journal."""

from __future__ import annotations

from collections.abc import Callable

from sartoris.events import Event, HookOutput, HookStarted, NotRecorded
from sartoris.journal.store import Journal
from sartoris.journal.unusable import JournalHeld, JournalUnusable

# Of what one hook writes. The rest is shown, and its end is in the event of the hook's end.
_MOST_TEXT, _MOST_PIECES = 262_144, 2_000


class Recorder:
    """What an `EventStream` records in. The journal is opened for the first event.

    Once a command runs, a journal that stops taking records must not stop it half way: that is
    `NotRecorded`, after which the rest goes on without it. A journal that cannot even be opened, or
    that another process holds when the first event comes, stops the command before it begins:
    `JournalUnusable`.
    """

    def __init__(self, opened: Callable[[], Journal]) -> None:
        self._opened = opened
        self._has_begun = False
        self._text, self._pieces = 0, 0  # of the hook that runs

    def __call__(self, event: Event) -> int:
        """Write the event; its number, 0 for one that the journal need not have."""
        journal = self._opened()
        if not self._is_wanted(event):
            return 0
        try:
            seq = journal.record(event)
        except JournalUnusable as error:
            if isinstance(error, JournalHeld) and not self._has_begun:
                raise
            raise NotRecorded(error.message) from error
        self._has_begun = True
        return seq

    def _is_wanted(self, event: Event) -> bool:
        if isinstance(event, HookStarted):
            self._text, self._pieces = 0, 0
        if not isinstance(event, HookOutput):
            return True
        self._text += len(event.text)
        self._pieces += 1
        return self._text <= _MOST_TEXT and self._pieces <= _MOST_PIECES
