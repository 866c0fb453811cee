"""Memory and CPU of a sync to very many targets, without the targets' own work.

`measure` runs this module as a program, in a working repository:

    python -m benchmarks.thousand RECORD.json TARGETS start|sync

It is `git deploy` with a fleet of that many recording targets, all of which say that all is well.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from benchmarks.fleet import DeployedFleet
from benchmarks.metered import run as run_metered
from benchmarks.programs import measured_children, python
from benchmarks.sites import Site
from benchmarks.table import Table, seconds
from benchmarks.tags import SMALL
from sartoris.orders import Order, Outcome
from sartoris.transports import configured
from sartoris.transports.recording import RecordingTransport

TARGETS = 1000


def measure(place: Path, runs: int) -> Table:
    """A sync to a thousand recording targets, and to one for comparison."""
    cpu: Mapping[int, list[float]] = {1: [], TARGETS: []}
    stages: list[float] = []
    memory: list[float] = []
    site = Site(place, SMALL)
    fleets = {
        count: DeployedFleet(place / str(count), site.origin, "atomic", 1, f"fleet{count}")
        for count in cpu
    }
    try:
        site.create()
        for fleet in fleets.values():
            fleet.create()
        for _ in range(runs):
            site.advance()
            records = {count: _sync(fleet, count) for count, fleet in fleets.items()}
            for count, record in records.items():
                cpu[count].append(record["cpu"])
            stages.append(records[TARGETS]["fetch"] + records[TARGETS]["switch"])
            memory.append(records[TARGETS]["peak"])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return _table(cpu, median(stages), median(memory))


def _table(cpu: Mapping[int, list[float]], stages: float, peak: float) -> Table:
    table = Table(f"Sync to {TARGETS:,} recording targets", ["", "median"])
    many, one = median(cpu[TARGETS]), median(cpu[1])
    table.add("whole `git deploy sync`, CPU", seconds(many))
    table.add("the same to 1 target, CPU", seconds(one))
    table.add("CPU for each target more", f"{(many - one) / (TARGETS - 1) * 1000:.2f} ms")
    table.add("fetch + switch, CPU for each target", f"{stages / TARGETS * 1000:.2f} ms")
    table.add("peak memory", f"{peak / 1e6:.0f} MB")
    return table


def _sync(fleet: DeployedFleet, count: int) -> Mapping[str, float]:
    """CPU seconds of the whole and of the stages, and `peak` in bytes."""
    record = fleet.place / "record.json"
    arguments = ("benchmarks.thousand", str(record), str(count))
    python(fleet.repository, *arguments, "start")
    with measured_children() as measurement:
        python(fleet.repository, *arguments, "sync")
    steps = {name: cpu for name, (_, cpu) in json.loads(record.read_text()).items()}
    peak = float(record.with_suffix(".peak").read_text())
    return {"cpu": measurement.cost.cpu, "peak": peak, **steps}


def _all_is_well(order: Order, target: str) -> Outcome:
    held = (order.release,) if order.release else ()
    return Outcome(action=order.action, target=target, ok=True, live=order.release, held=held)


def _peak() -> int:
    """Most memory that this process has had, in bytes. (`ru_maxrss` may be its parent's.)"""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _main(record: Path, count: int, arguments: list[str]) -> int:
    names = [f"web{number}" for number in range(1, count + 1)]
    recording = RecordingTransport(names, _all_is_well)
    setattr(configured, "configured", lambda *_, **__: recording)  # noqa: B010
    code = run_metered(record, arguments)
    record.with_suffix(".peak").write_text(str(_peak()))
    return code


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
