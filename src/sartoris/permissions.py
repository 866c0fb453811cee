"""What this user may not write to, and who can change that.

Nothing is to be moved away or made anew for a mere permission: whoever owns it opens it.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from sartoris.shell import command

_SHOWN = 3


def closed(paths: Iterable[Path]) -> list[Path]:
    """Those that are there, and that this user may not write to."""
    return [path for path in paths if path.exists() and not may_change(path)]


def may_change(path: Path) -> bool:
    """Whether this user may write to a file, or make and remove files in a directory."""
    return os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK)


def nearest(path: Path) -> Path:
    """The path itself, or the directory above it in which it would have to be made."""
    return next(each for each in (path, *path.parents) if each.exists())


def described(paths: list[Path]) -> str:
    """A few of them, and whose they are."""
    shown = ", ".join(f"{path} (of {_whose(path)})" for path in paths[:_SHOWN])
    return shown + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")


def way_in(path: Path) -> str:
    """What opens `path` for this user, and who has to type it."""
    place, found = str(path), path.stat()
    if found.st_uid == os.geteuid():
        return command("chmod", "-R", "u+rwX", place)
    if is_of_a_group_to_join(path):
        joined = command("usermod", "-aG", _group_name(found.st_gid), user_name(os.geteuid()))
        return f"let root type, if you are to deploy: {joined}   # then log in again"
    if found.st_gid in _groups():
        return f"let {user_name(found.st_uid)} type: {command('chmod', '-R', 'g+rwX', place)}"
    shared = f"{command('chgrp', '-R', 'GROUP', place)} && {command('chmod', '-R', 'g+rwX', place)}"
    return f"let {user_name(found.st_uid)} type, with a group that you are in: {shared}"


def is_of_a_group_to_join(path: Path) -> bool:
    """Whether a group that this user is not in, and not root's, may write to `path`."""
    found = path.stat()
    return bool(found.st_mode & stat.S_IWGRP) and found.st_gid not in (0, *_groups())


def let(owner: int, step: str) -> str:
    """`step`, which only `owner` and root may do, as what this user can make of it."""
    return step if os.geteuid() in (0, owner) else f"let {user_name(owner)} type: {step}"


def how_to_make(directory: Path) -> str:
    """The command that makes a directory for this user, and who has to type it."""
    if os.path.lexists(directory):
        return command("ls", "-ld", str(directory))  # something else is there
    if may_change(nearest(directory)):
        return command("mkdir", "-p", str(directory))
    # What is above may be anything, /srv for example: that is not to be opened.
    made = command("install", "-d", "-o", str(os.geteuid()), str(directory))
    return f"let root type: {made}"


def _groups() -> list[int]:
    return [os.getegid(), *os.getgroups()]


def user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return f"group {number}"


def _whose(path: Path) -> str:
    found = path.stat()
    return f"{user_name(found.st_uid)}, {_group_name(found.st_gid)}"
