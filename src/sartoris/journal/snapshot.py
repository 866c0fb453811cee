"""A journal for who may only read it.

SQLite reads no database that another process may write to without files beside it, which somebody
who may not write there cannot make. Such a reader gets a copy.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sartoris.permissions import may_change, nearest

_TRIES = 20


def may_write(path: Path) -> bool:
    """Whether this user may write to the journal at `path`, or make one there."""
    if path.exists():
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)
    return may_change(nearest(path.parent))


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """The journal at `path` itself, or, while the body runs, a copy of it. Raises OSError."""
    if may_write(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="git-deploy-") as directory:
        yield _copy(path, Path(directory))


def _copy(path: Path, directory: Path) -> Path:
    """The database, and what is written down but not in it yet; both of one moment.

    Raises OSError where it is written to all the time.
    """
    copy = directory / path.name
    for _ in range(_TRIES):
        before = _looks(path)
        for each in _parts(path):
            into = directory / each.name
            into.unlink(missing_ok=True)
            if each.exists():
                shutil.copyfile(each, into)
        if _looks(path) == before:
            return copy
    raise OSError(errno.EBUSY, "others write to it all the time")


def _parts(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}-wal")


def _looks(path: Path) -> list[tuple[int, int, int]]:
    """By what one sees that somebody has written meanwhile."""
    found = [each.stat() for each in _parts(path) if each.exists()]
    return [(one.st_ino, one.st_size, one.st_mtime_ns) for one in found]
