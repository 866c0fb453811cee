"""Shows events where nothing can be drawn: in a pipe, a log file, a job of a CI system."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from sartoris.display.lines import WIDTH, Lines
from sartoris.display.waiting import Waiting

# Seconds until somebody who reads a log wonders, and between two lines from then on.
FIRST, AGAIN = 20.0, 60.0


class LogLines(Lines):
    """As `Lines`, and now and then in a long stage who has not answered yet."""

    def __init__(self, *, verbose: bool = False, dry_run: bool = False) -> None:
        super().__init__(verbose=verbose, dry_run=dry_run)
        self._reminder: Reminder | None = None

    def _begin_waiting(self, waiting: Waiting) -> None:
        self._reminder = Reminder(
            lambda: self.write(f"    {waiting.name} {waiting.describe(WIDTH - 4)}")
        )

    def _end_waiting(self) -> None:
        if self._reminder is not None:
            self._reminder.stop()
            self._reminder = None


class Reminder:
    """Calls `say` now and then until it is stopped, from a thread: no event comes meanwhile."""

    def __init__(
        self, say: Callable[[], None], *, first: float = FIRST, again: float = AGAIN
    ) -> None:
        self._say, self._first, self._again = say, first, again
        self._stopped = Event()
        Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """When this returns no line begins any more but one that is being written."""
        self._stopped.set()

    def _run(self) -> None:
        wait = self._first
        while not self._stopped.wait(wait):
            self._say()
            wait = self._again
