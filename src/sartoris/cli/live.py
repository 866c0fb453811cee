"""Shows events on a terminal: as lines, and a bar for the stage that is in progress."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from sartoris import events
from sartoris.display.lines import Lines
from sartoris.formatting import shown_on_one_line, without_bytes


class LiveLines(Lines):
    """As `Lines`, with a bar that counts targets done, failed and waiting while a stage runs."""

    def __init__(self, *, verbose: bool = False, dry_run: bool = False) -> None:
        super().__init__(verbose=verbose, dry_run=dry_run)
        # A commit's subject is shown as it was written: `:bug:` and `[tag]` too.
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._failed = 0

    def write(self, line: str, style: str = "") -> None:
        text = shown_on_one_line(without_bytes(line))
        self._console.print(text, style=style or None, soft_wrap=True)

    def _stage_started(self, event: events.StageStarted) -> None:
        super()._stage_started(event)
        if self._dry_run or not event.targets:
            return
        self._failed = 0
        self._progress = Progress(
            TextColumn("    {task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f} of {task.total:.0f}, {task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task(event.stage, total=len(event.targets), failed=0)
        self._progress.start()

    def _target_answered(self, event: events.TargetAnswered) -> None:
        super()._target_answered(event)
        if self._progress is not None:
            self._failed += not event.outcome.ok
            self._progress.update(self._task, advance=1, failed=self._failed)

    def _stage_finished(self, event: events.StageFinished) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        super()._stage_finished(event)
