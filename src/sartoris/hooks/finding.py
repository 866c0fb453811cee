"""Which files are the hooks of a phase, and in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMMON = "common"


@dataclass(frozen=True)
class Found:
    """A file that is called like a hook.

    `prefix` is `common` or the rollout's. `reason` is why it does not run ("" if it does), and
    `missed` whether somebody wants it to; `problem` is why the directory `path` could not be looked
    into.
    """

    path: Path
    prefix: str
    reason: str = ""
    problem: str = ""
    missed: bool = False


def find_hooks(directory: Path, phase: str, prefix: str) -> Iterator[Found]:
    """The hooks of `phase` in `directory`, the common ones first, each group by name.

    By name is by bytes, as in the C locale, so that the order is the same for every user.
    """
    for hook_prefix in dict.fromkeys((COMMON, prefix)):
        place = directory / "apps" / hook_prefix
        if not os.path.lexists(place):
            continue
        try:
            paths = sorted(place.iterdir(), key=os.fsencode)
        except OSError as error:
            # To go on would be to skip the checks that are in there.
            yield Found(place, hook_prefix, problem=f"cannot be read: {error.strerror}")
            continue
        for path in paths:
            if path.name.startswith(f"{phase}."):
                reason = reason_to_skip(path)
                yield Found(path, hook_prefix, reason, missed=is_missed(path, phase, reason))


def reason_to_skip(path: Path) -> str:
    """Why a file that is called like a hook does not run; "" if it does."""
    if path.name.endswith((".bak", "~")):
        return "it is called like a backup copy"
    if not path.exists():
        return "it is a symbolic link to nothing"
    if not path.is_file():
        return "it is not a file"
    if not os.access(path, os.X_OK):
        return _why_not_executable(path)
    return ""


def is_missed(path: Path, phase: str, reason: str) -> bool:
    """Whether a hook that does not run was meant to.

    To take its execute bits is git-deploy's way to switch one off; but a check of what is about to
    ship, `pre-sync`, is not switched off by a file that lost its mode on its way here.
    """
    if not reason or path.name.endswith((".bak", "~")) or path.is_dir():
        return False
    return phase == "pre-sync" or not path.is_file() or _has_execute_bit(path)


def _why_not_executable(path: Path) -> str:
    if not _has_execute_bit(path):
        return "it is not executable"
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        return "it is on a file system that is mounted with noexec"
    return "it is executable for others, and not for you"


def _has_execute_bit(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o111)
