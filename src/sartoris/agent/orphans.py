"""Programs that outlived their agent, and would keep a slot locked for as long as they hang.

What an agent runs inherits the slot's lock: nobody shall touch a tree in which a git still writes.
But when the agent is killed, nobody counts the time of what it ran any more. So whoever holds the
lock says in its file who it is, and whoever waits for it ends what a dead holder left.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from sartoris.agent.files import read_json

MARK = "SARTORIS_ORDER"  # a variable of what an order runs, whoever started it, and in what session

_PROCESSES = Path("/proc")
_ENDED = "ZX"  # states


def claim(lock: int) -> str:
    """Say in the file of a lock that is held, a descriptor, that this process has it; the mark."""
    mark = os.urandom(16).hex()
    note = {**_who(os.getpid()), "mark": mark}
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(note).encode("ascii"), 0)
    return mark


def end_orphans(lock: Path) -> None:
    """Kill what holds the lock in place of an agent that is gone."""
    note = read_json(lock)
    mark, pid = note.pop("mark", None), note.get("pid")
    if not isinstance(mark, str) or not isinstance(pid, int) or not mark:
        return
    here = _who(pid)
    if note.get("machine") != here["machine"] or note == here:
        return
    for orphan in _holders(lock, mark):
        with contextlib.suppress(OSError):
            os.kill(orphan, signal.SIGKILL)


def _who(pid: int) -> dict[str, object]:
    """A process, in words that no other one will ever have; without a start if it has ended."""
    return {"pid": pid, "started": _started(pid), "machine": _machine()}


def _machine() -> str:
    """The machine since it was booted, and which of its namespaces numbers the processes."""
    try:
        boot = (_PROCESSES / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROCESSES / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> Optional[str]:
    try:
        text = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # its name may have spaces, and brackets
    return None if fields[0] in _ENDED else fields[19]


def _holders(lock: Path, mark: str) -> Iterator[int]:
    """The processes that have the lock's file open, and the mark in their environment."""
    wanted = f"{MARK}={mark}".encode("ascii")
    for process in _PROCESSES.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended, or is not ours to look into
                marked = wanted in (process / "environ").read_bytes().split(b"\0")
                if marked and _has_open(process, lock):
                    yield int(process.name)


def _has_open(process: Path, file: Path) -> bool:
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            if descriptor.samefile(file):
                return True
    return False
