"""What a git that was killed leaves behind: lock files, at which every later git stops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Objects have no locks that matter, and are many; the other two are not git's.
_PASSED_OVER = ("objects", "deploy", "lfs")


def remove_lock_files(git_dir: Path, top: Path) -> list[Path]:
    """Remove git's lock files in a repository and its submodules, if no git works there now.

    For whoever knows that a git was killed there. Returns what was removed. Where it cannot be told
    whether a git works there (no /proc, another user's process), nothing is removed: git's own
    message then says what to do.
    """
    found = list(_lock_files(git_dir))
    if not found or _is_git_at_work((git_dir, top)):
        return []
    for path in found:
        path.unlink(missing_ok=True)
    return found


def _lock_files(git_dir: Path) -> Iterator[Path]:
    for directory, directories, files in os.walk(git_dir):
        directories[:] = [name for name in directories if name not in _PASSED_OVER]
        yield from (Path(directory, name) for name in files if name.endswith(".lock"))


def _is_git_at_work(places: tuple[Path, ...]) -> bool:
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except FileNotFoundError:
        return True
    return any(_may_be_git_in(Path("/proc", process), places) for process in processes)


def _may_be_git_in(process: Path, places: tuple[Path, ...]) -> bool:
    try:
        if not (process / "comm").read_bytes().startswith(b"git"):
            return False
        where = (process / "cwd").readlink()
    except PermissionError:
        return True
    except OSError:  # it has ended
        return False
    return any(where.is_relative_to(place.resolve()) for place in places)
