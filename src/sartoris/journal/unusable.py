"""Why a journal cannot be used, and what to type: that depends on what SQLite says of it."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from sartoris.errors import Refused
from sartoris.journal.snapshot import may_write
from sartoris.shell import command

_DAMAGED = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,  # tables that are not there
}
_DAMAGED_INPUT = {
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
    sqlite3.SQLITE_IOERR_SHORT_READ,
}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_NOT_ALLOWED = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_OF_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
_HELD = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


class JournalUnusable(Refused):
    """The journal's database cannot be read or written."""


class JournalTooNew(JournalUnusable):
    """A later Sartoris has written the journal, and this one does not know its form."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        super().__init__(
            f"the journal {path} was written by a later Sartoris: it has version {version}, and"
            f" this one knows {known}",
            next_steps=["git deploy --version", "upgrade Sartoris on this deployment server"],
        )


class JournalHeld(JournalUnusable):
    """Another process writes to it, and did not come to an end while this one waited."""


class JournalMoved(JournalUnusable):
    """The file was moved or removed while it was open."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the journal {path} was moved away while it was in use",
            next_steps=[command("ls", "-l", str(path.parent))],
        )


def unusable(path: Path, what: str, error: Exception) -> JournalUnusable:
    """The error to raise when the journal at `path` cannot be `what`, because of `error`.

    Only a file that is damaged is one to move away, and only by who may do that: a disk that is
    full or broken, or a missing permission, is to be mended, and the journal is whole then.
    """
    said = f"the journal {path} cannot be {what}: {error}"
    if isinstance(error, sqlite3.Error) and is_held(error):
        return _held(path, said)
    kind = _kind(error)
    if _is_damaged(path, error) and may_write(path):
        aside = command("mv", str(path), f"{path}.broken")
        steps = [f"{aside}   # a new one is begun", "git deploy report"]
    elif kind in _FULL:
        steps = [command("df", "-h", str(path.parent)), "git deploy status"]
    elif kind in _NOT_ALLOWED or not may_write(path):
        beside = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
        there = [str(one) for one in beside if os.path.lexists(one)]
        steps = [command("ls", "-ld", str(path.parent), *there), "git deploy status"]
    else:
        steps = ["git deploy status"]
    return JournalUnusable(said, next_steps=steps)


def _is_damaged(path: Path, error: Exception) -> bool:
    if path.is_dir():
        return True
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code in _DAMAGED_INPUT or _kind(error) in _DAMAGED


def is_held(error: sqlite3.Error) -> bool:
    """Whether another process has the database just now, and it would do to try again."""
    return _kind(error) in _HELD


def _kind(error: Exception) -> int:
    """SQLite's primary code; for an error of the machine, the one that is most like it."""
    if isinstance(error, sqlite3.Error):
        return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
    is_of_disk = isinstance(error, OSError) and error.errno in _OF_DISK
    return sqlite3.SQLITE_FULL if is_of_disk else sqlite3.SQLITE_CANTOPEN


def _held(path: Path, said: str) -> JournalUnusable:
    from sartoris.journal.held_by import held_by

    holders = held_by(path)
    steps = [command("ps", "-fp", str(process)) for process, _ in holders]
    who = " and ".join(f"process {process} ({name})" for process, name in holders)
    return JournalHeld(
        f"{said}; {who or 'another process'} holds it",
        next_steps=[*steps, "the same command again, once that process has ended"],
    )
