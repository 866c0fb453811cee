"""The timing log: how long each step of a command took (`deploy.log-timing-data`).

A file for each command, `timing_gdt-EPOCH.txt` in `deploy.log-directory` (`timing_gdt-EPOCH-2.txt`
for the second one of one second, and so on), in git-deploy's form: a line with the command, then
for each moment its tag, the time, the seconds since the moment before, and for an end the seconds
since its start (-1 for none), separated by tabs.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from sartoris.events import Event, HookRan, StepFailed, StepFinished, StepStarted


@dataclass
class Timing:
    """Listens to the steps of one command. Nothing is on disk before `write`."""

    began: float = field(default_factory=time.time)
    moments: list[tuple[str, float, float]] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        match event:
            case StepStarted(step=step):
                self._add(f"{step}__start", event.at, -1)
            case StepFinished(step=step, seconds=seconds) | StepFailed(step=step, seconds=seconds):
                self._add(f"{step}__end", event.at, seconds)
            case HookRan(phase=phase, hook=hook, seconds=seconds):
                name = Path(hook).name
                self._add(f"hook_{phase}_{name}__start", event.at - seconds, -1)
                self._add(f"hook_{phase}_{name}__end", event.at, seconds)

    def write(self, directory: Path, command: Sequence[str]) -> Path:
        """Write the file; its path. Raises OSError."""
        moments = [("gdt_start", self.began, -1.0), *self.moments, ("gdt_end", time.time(), -1.0)]
        lines, before = ["# " + "\t".join(command)], self.began
        for tag, at, elapsed in moments:
            since = -1.0 if tag == "gdt_start" else at - before
            lines.append(f"{tag}\t{at:.6f}\t{since:.6f}\t{elapsed:.6f}")
            before = at
        with _create(directory, int(self.began)) as file:
            file.write("\n".join(lines) + "\n")
            return Path(file.name)

    def _add(self, tag: str, at: float, elapsed: float) -> None:
        self.moments.append((re.sub(r"[^a-zA-Z0-9_]+", "_", tag), at, elapsed))


def _create(directory: Path, epoch: int) -> TextIO:
    for number in itertools.count(1):
        name = f"timing_gdt-{epoch}.txt" if number == 1 else f"timing_gdt-{epoch}-{number}.txt"
        with suppress(FileExistsError):
            return (directory / name).open("x", errors="surrogateescape")
    raise AssertionError
