"""`git deploy`, with what each step costs written to a file.

    python -m benchmarks.metered STEPS.json sync

A listener that stands before all others notes time and CPU where a step begins and ends.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sartoris import events
from sartoris.cli import boundary
from sartoris.cli.main import main
from sartoris.events import Event, EventStream, StepFinished, StepStarted


class Meter:
    """`steps` has wall and CPU seconds of each step that has ended, this process's included."""

    def __init__(self) -> None:
        self.steps: dict[str, tuple[float, float]] = {}
        self._began: dict[str, tuple[float, float]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._began[event.step] = _now()
        elif isinstance(event, StepFinished):
            wall, cpu = self._began[event.step]
            self.steps[event.step] = (_now()[0] - wall, _now()[1] - cpu)


def _now() -> tuple[float, float]:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return time.monotonic(), sum(one.ru_utime + one.ru_stime for one in used)


def run(record: Path, arguments: list[str]) -> int:
    meter = Meter()

    class MeteredStream(EventStream):
        def __init__(self, record: Callable[[Event], int] | None = None) -> None:
            super().__init__(record)
            self.subscribe(meter)

    events.EventStream = MeteredStream  # type: ignore[misc]
    code = boundary.guarded("git-deploy", lambda: main(arguments))
    record.write_text(json.dumps(meter.steps))
    return code


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
