"""Locks that end with the process that holds them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional

_LOCK_POLL = 0.03  # seconds


def _nothing() -> None:
    """For whoever only waits."""


@contextlib.contextmanager
def locked(
    path: Path, kind: int, seconds: float, meanwhile: Callable[[], None] = _nothing
) -> Iterator[Optional[int]]:
    """Hold the lock in `path` (fcntl.LOCK_EX or LOCK_SH); its descriptor, None if others hold it.

    Waits at most `seconds`, and does `meanwhile` again and again.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor if _take(descriptor, kind, seconds, meanwhile) else None
    finally:
        # Not only closed: a program that outlives the order may have inherited the descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _take(descriptor: int, kind: int, seconds: float, meanwhile: Callable[[], None]) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            meanwhile()
            time.sleep(_LOCK_POLL)
