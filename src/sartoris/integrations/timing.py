"""The timing log: how long each step of a command took (`deploy.log-timing-data`).

A file for each command, `timing_gdt-EPOCH.txt` in `deploy.log-directory` (`timing_gdt-EPOCH-2.txt`
for the second one of one second, and so on), in git-deploy's form: a line with the command, then
for each moment its tag, the time, the seconds since the moment before, and for an end the seconds
since its start (-1 for none), separated by tabs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from sartoris.events import (
    CommandEnded,
    CommandStarted,
    Event,
    HookRan,
    StepFailed,
    StepFinished,
    StepStarted,
)
from sartoris.formatting import on_one_line


class Timing:
    """Listens to the steps of one command, and writes the file in `directory` when it has ended.

    A file that cannot be written is a warning, by `warn`.
    """

    def __init__(self, directory: Path, warn: Callable[[str], None]) -> None:
        self._directory = directory
        self._warn = warn
        self._command: tuple[str, ...] = ()
        self._moments: list[tuple[str, float, float]] = []

    def __call__(self, event: Event) -> None:
        match event:
            case CommandStarted(argv=argv):
                self._command = argv
                self._add("gdt_start", event.at, -1)
            case CommandEnded():
                self._add("gdt_end", event.at, -1)
                self._end()
            case StepStarted(step=step):
                self._add(f"{step}__start", event.at, -1)
            case StepFinished(step=step, seconds=seconds) | StepFailed(step=step, seconds=seconds):
                self._add(f"{step}__end", event.at, seconds)
            case HookRan(phase=phase, hook=hook, seconds=seconds):
                name = Path(hook).name
                self._add(f"hook_{phase}_{name}__start", event.at - seconds, -1)
                self._add(f"hook_{phase}_{name}__end", event.at, seconds)

    def _end(self) -> None:
        try:
            with _create(self._directory, int(self._moments[0][1])) as file:
                file.write("\n".join(self._lines()) + "\n")
        except OSError as error:
            self._warn(f"no timing log: {error}")

    def _lines(self) -> Iterator[str]:
        yield "# " + "\t".join(map(on_one_line, self._command))
        before = 0.0
        for tag, at, elapsed in self._moments:
            since = at - before if before else -1.0
            yield f"{tag}\t{at:.6f}\t{since:.6f}\t{elapsed:.6f}"
            before = at

    def _add(self, tag: str, at: float, elapsed: float) -> None:
        self._moments.append((re.sub(r"[^a-zA-Z0-9_]+", "_", tag), at, elapsed))


def _create(directory: Path, epoch: int) -> TextIO:
    for number in itertools.count(1):
        name = f"timing_gdt-{epoch}.txt" if number == 1 else f"timing_gdt-{epoch}-{number}.txt"
        with suppress(FileExistsError):
            return (directory / name).open("x", errors="surrogateescape")
    raise AssertionError
