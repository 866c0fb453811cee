"""What a release would not find on this target: asked before there is one, and changing nothing."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sartoris.agent.files import MEBIBYTE
from sartoris.agent.order import Order
from sartoris.agent.place import Place
from sartoris.agent.programs import Programs, inherited_environment

# `git fetch` has --no-write-fetch-head and --no-auto-maintenance since.
OLDEST_GIT = (2, 29)
LEAST_ROOM = 64 * MEBIBYTE  # bytes: less may not do for one release
_LEAST_FILES = 1000


def lacking(order: Order, place: Place, programs: Programs) -> dict[str, Any]:
    """Fields for the outcome: the version of `git`, "" for none, and what the target `lacks`."""
    version = _version_of_git(programs)
    return {
        "git": version,
        "lacks": [*_git(version), *_writing(order, place), *_room(order, place)],
    }


def _version_of_git(programs: Programs) -> str:
    """As git tells it; "" where there is no git."""
    try:
        ended = programs.run(
            ["git", "version"],
            cwd=Path("/"),
            environment=inherited_environment(),
            errors=subprocess.PIPE,
        )
    except FileNotFoundError:
        return ""
    return ended.output.decode(errors="replace").replace("git version", "").strip()


def _git(version: str) -> Iterator[str]:
    if not version:
        yield "git-missing"
        return
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
        yield f"git-too-old {'.'.join(map(str, OLDEST_GIT))} {version}"


def _writing(order: Order, place: Place) -> Iterator[str]:
    """The first directory that would be written to, and cannot be."""
    for directory in _written_to(order, place):
        if not os.access(directory, os.W_OK | os.X_OK):
            path = _as_ordered(directory, place)
            if os.statvfs(directory).f_flag & os.ST_RDONLY:
                yield f"read-only {path}"
            else:
                yield f"permission {_own_name()} {path}"
            return


def _written_to(order: Order, place: Place) -> Iterator[Path]:
    in_place = order.switch == "in-place" and not place.path.is_symlink() and place.path.is_dir()
    yield _nearest(place.path if in_place else place.directory)
    yield _nearest(place.own)
    yield _nearest(place.store)


def _nearest(directory: Path) -> Path:
    """The directory itself, or the one above it in which it would have to be made."""
    # Not Path.is_dir, which raises where somebody may not look.
    while not os.path.isdir(directory) and directory != directory.parent:  # noqa: PTH112
        directory = directory.parent
    return directory


def _as_ordered(directory: Path, place: Place) -> str:
    """As orders speak of it; also where it is what stands for this target's `/`."""
    return place.logical(f"{directory}/").rstrip("/") or "/"


def _own_name() -> str:
    """Of the user that this process runs as; the number where there is no name."""
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return str(os.geteuid())


def _room(order: Order, place: Place) -> Iterator[str]:
    directory = _nearest(place.own)
    path, found = _as_ordered(directory, place), os.statvfs(directory)
    free, needed = found.f_bavail * found.f_frsize, max(order.size, LEAST_ROOM)
    if free < needed:
        yield f"no-space {free} {needed} {path}"
    elif found.f_files and found.f_favail < _LEAST_FILES:
        yield f"no-files {found.f_favail} {path}"
