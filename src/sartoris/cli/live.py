"""Shows events on a terminal: as lines, and a bar for the stage that is in progress."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sartoris import events
from sartoris.display.lines import Lines
from sartoris.display.terminal import Style, laid_out
from sartoris.display.waiting import Waiting
from sartoris.formatting import shown_on_one_line, without_bytes

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_BAR = 20


class LiveLines(Lines):
    """As `Lines`, with a bar while a stage runs: how many have answered, and who has not."""

    def __init__(self, *, verbose: bool = False, dry_run: bool = False) -> None:
        super().__init__(verbose=verbose, dry_run=dry_run)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def write(self, line: str, style: Style = "", *, whole: bool = False) -> None:
        if self._progress is None:
            super().write(line, style, whole=whole)
            return
        text = shown_on_one_line(without_bytes(line))
        if not whole:
            text = laid_out(text, sys.stderr)
        self._progress.console.print(text, style=style or None, soft_wrap=True)

    def _begin_waiting(self, waiting: Waiting) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("    {task.description}", markup=False),
            BarColumn(bar_width=_BAR),
            TimeElapsedColumn(),
            TextColumn("{task.fields[waiting]}", markup=False),
            # A commit's subject is shown as it was written: `:bug:` and `[tag]` too.
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            transient=True,
        )
        self._task = self._progress.add_task(
            waiting.name, total=waiting.total, waiting=self._described(waiting, self._progress)
        )
        self._progress.start()

    def _described(self, waiting: Waiting, progress: Progress) -> str:
        """On the one line that there is for it."""
        before = len(f"    {waiting.name} {'':{_BAR}} 0:00:00 ")
        return waiting.describe(progress.console.width - before - 1)

    def _target_answered(self, event: events.TargetAnswered) -> None:
        super()._target_answered(event)
        if self._progress and self._waiting and self._task is not None:
            told = self._described(self._waiting, self._progress)
            self._progress.update(self._task, advance=1, waiting=told)

    def _end_waiting(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
