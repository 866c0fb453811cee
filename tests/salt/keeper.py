"""End the daemons of tests, however the tests themselves end.

Run as a program: it reads `+PID` and `-PID` on its standard input, and when that ends, because the
process of the tests closed it or is no more, kills these processes with their descendants and
removes the directory named by its argument.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path


def kill_family(pid: int) -> None:
    """Kill a process with all its descendants, whatever group or session those made their own."""
    family: set[int] = set()
    # Each is stopped before its children are looked for: it starts no more of them, and it is still
    # there to tell whose they are.
    while new := _family(pid) - family:
        _send(signal.SIGSTOP, new)
        family |= new
    _send(signal.SIGKILL, family)


def _family(pid: int) -> set[int]:
    """`pid` if it exists, its process group, and the descendants of all of these."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                state, parent, group = _status(entry)
                parents[int(entry.name)] = parent
                if state != "Z" and pid in (int(entry.name), group):
                    found.add(int(entry.name))
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _status(process: Path) -> tuple[str, int, int]:
    """The state, the parent and the process group of a process."""
    after_name = (process / "stat").read_bytes().rpartition(b")")[2].split()
    return after_name[0].decode(), int(after_name[1]), int(after_name[2])


def _send(number: signal.Signals, pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _keep(directory: str) -> None:
    pids: set[int] = set()
    for line in sys.stdin:
        (pids.add if line[0] == "+" else pids.discard)(int(line[1:]))
    for pid in pids:
        kill_family(pid)
    # What was killed may still be on its way out, and write.
    until = time.monotonic() + 5
    while any(map(_family, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    _keep(sys.argv[1])
