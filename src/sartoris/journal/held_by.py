"""Which processes hold a lock on a database, as the kernel of Linux tells it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_LOCKS = Path("/proc/locks")


def held_by(path: Path) -> list[tuple[int, str]]:
    """Number and name of each other process with a lock on the database or its log.

    Empty where the kernel does not tell.
    """
    files = {_inode(path.with_name(path.name + end)) for end in ("", "-wal", "-shm")} - {None}
    found: dict[int, str] = {}
    with suppress(OSError, ValueError, IndexError):
        for line in _LOCKS.read_text().splitlines():
            # 1: POSIX  ADVISORY  WRITE 4242 08:01:131074 120 120
            words = line.split()
            process, inode = int(words[-4]), int(words[-3].rpartition(":")[2])
            if "WRITE" in words and inode in files and process not in (os.getpid(), -1, 0):
                found[process] = _name(process)
    return sorted(found.items())


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _name(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "ended"
    return " ".join(os.fsdecode(word) for word in words[:4]).strip()[:80] or "?"
