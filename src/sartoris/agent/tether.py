"""An agent on a connection ends with it, and so does all that it has started.

The remote command of ssh outlives its connection: without a terminal nobody tells it. Then a
build would go on for hours for a rollout that is over. The kernel can send a signal when something
happens to a pipe or socket, so it wakes us also while we wait for a program.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from sartoris.agent.programs import GRACE

_OVER = select.POLLHUP | select.POLLRDHUP
CUT_OFF = 1  # exit code


@contextlib.contextmanager
def tied_to(connection: int) -> Iterator[None]:
    """While this lasts, the end of the `connection`, a descriptor, is the end of this process.

    A descriptor that cannot tell is left alone: its end is seen at the next look into it.
    """
    flags = fcntl.fcntl(connection, fcntl.F_GETFL)
    before = signal.signal(signal.SIGIO, lambda *_: _end_if_over(connection))
    try:
        with contextlib.suppress(OSError):
            fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
            fcntl.fcntl(connection, fcntl.F_SETFL, flags | os.O_ASYNC)
        _end_if_over(connection)
        yield
    finally:
        fcntl.fcntl(connection, fcntl.F_SETFL, flags)
        signal.signal(signal.SIGIO, before)


def _end_if_over(connection: int) -> None:
    poll = select.poll()
    poll.register(connection, _OVER)
    if any(event & _OVER for _, event in poll.poll(0)):
        _end_all()


def _end_all() -> None:
    """What an order has started is in sessions of its own, which nobody else would end."""
    ours = _descendants(os.getpid())
    _signal(ours, signal.SIGTERM)
    until = time.monotonic() + GRACE
    while _alive(ours) and time.monotonic() < until:
        time.sleep(0.02)
    _signal({*ours, *_descendants(os.getpid())}, signal.SIGKILL)
    os._exit(CUT_OFF)


def _descendants(top: int) -> set[int]:
    parents = _parents()
    found, new = set[int](), {top}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def _alive(processes: set[int]) -> bool:
    return bool(processes & set(_parents()))


def _parents() -> dict[int, int]:
    """The parent of each process of this machine that has not ended."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (process / "stat").read_text(encoding="utf-8", errors="replace")
            state, parent = text.rpartition(")")[2].split()[:2]
            if state not in "ZX":
                found[int(process.name)] = int(parent)
    return found


def _signal(processes: set[int], number: int) -> None:
    for pid in processes:
        with contextlib.suppress(OSError):
            os.kill(pid, number)
