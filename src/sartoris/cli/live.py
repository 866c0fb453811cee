"""Shows events on a terminal: as lines, and a bar for the stage that is in progress."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from sartoris import events
from sartoris.display.lines import Lines
from sartoris.display.waiting import Waiting
from sartoris.formatting import shown_on_one_line, without_bytes

_BAR = 20


class LiveLines(Lines):
    """As `Lines`, with a bar while a stage runs: how many have answered, and who has not."""

    def __init__(self, *, verbose: bool = False, dry_run: bool = False) -> None:
        super().__init__(verbose=verbose, dry_run=dry_run)
        # A commit's subject is shown as it was written: `:bug:` and `[tag]` too.
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def write(self, line: str, style: str = "") -> None:
        text = shown_on_one_line(without_bytes(line))
        self._console.print(text, style=style or None, soft_wrap=True)

    def _begin_waiting(self, waiting: Waiting) -> None:
        self._progress = Progress(
            TextColumn("    {task.description}", markup=False),
            BarColumn(bar_width=_BAR),
            TimeElapsedColumn(),
            TextColumn("{task.fields[waiting]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task(
            waiting.name, total=waiting.total, waiting=self._described(waiting)
        )
        self._progress.start()

    def _described(self, waiting: Waiting) -> str:
        """On the one line that there is for it."""
        before = len(f"    {waiting.name} {'':{_BAR}} 0:00:00 ")
        return waiting.describe(self._console.width - before - 1)

    def _target_answered(self, event: events.TargetAnswered) -> None:
        super()._target_answered(event)
        if self._progress is not None and self._waiting is not None:
            told = self._described(self._waiting)
            self._progress.update(self._task, advance=1, waiting=told)

    def _end_waiting(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
