"""Whether the place of a listed deployment is what the list says."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import Optional

from sartoris.agent.errors import Failure
from sartoris.agent.place import Place


def check_ownership(place: Place, user: str) -> None:
    """Refuse a place that is reached through a symbolic link, or is not the user's. Raises Failure.

    `user` is whom this process runs as.

    Whoever can write into the place can change it after this. What protects the rest of the target
    then is that the agent is the listed user by now, and reaches nothing that the user could not.
    """
    here = Path(place.root or "/")
    for part in place.logical(os.fspath(place.directory)).split("/")[1:]:
        here = here / part
        _check_directory(here, place, user)
    _check_owner_of(place.directory, place, user)
    for directory in _own_directories(place):
        if _mode(directory) is not None:
            _check_directory(directory, place, user)
            _check_owner_of(directory, place, user)


def _own_directories(place: Place) -> tuple[Path, ...]:
    kinds = (place.releases, place.meta, place.index, place.staged.parent, place.state.parent)
    more = (place.lock.parent, place.adopted, place.trash.parent, place.shared.parent)
    slots = (place.trash, place.shared, place.git_directories)
    return (place.own, *kinds, *more, place.git_directories.parent, *slots, place.store)


def _check_directory(path: Path, place: Place, user: str) -> None:
    mode, shown = _mode(path), place.logical(os.fspath(path))
    if mode is None:
        where = place.logical(os.fspath(place.directory))
        make = f"install -d -o {user} {shlex.quote(where)}"
        raise Failure("directory-not-ready", f"{where} does not exist; on the target: {make}")
    if stat.S_ISLNK(mode):
        message = f"{shown} is a symbolic link; the list of the target and the order"
        raise Failure("path-leads-out", f"{message} have to name the directory itself")
    if not stat.S_ISDIR(mode):
        raise Failure("directory-not-ready", f"{shown} is not a directory")


def _check_owner_of(directory: Path, place: Place, user: str) -> None:
    if directory.lstat().st_uid == os.geteuid():
        return
    shown = place.logical(os.fspath(directory))
    deep = "" if directory == place.directory else "-R "
    command = f"chown {deep}{user}: {shlex.quote(shown)}"
    message = f"{shown} does not belong to {user}; on the target: {command}"
    raise Failure("directory-not-ready", message)


def _mode(path: Path) -> Optional[int]:
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
