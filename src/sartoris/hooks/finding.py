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

    `prefix` is `common` or the rollout's. `reason` is why it does not run ("" if it does);
    `problem` is why the directory `path` could not be looked into.
    """

    path: Path
    prefix: str
    reason: str = ""
    problem: str = ""


def find_hooks(directory: Path, phase: str, prefix: str) -> Iterator[Found]:
    """The hooks of `phase` in `directory`, the common ones first, each group by name.

    By name is by bytes, as in the C locale, so that the order is the same for every user.
    """
    for hook_prefix in dict.fromkeys((COMMON, prefix)):
        place = directory / "apps" / hook_prefix
        try:
            paths = sorted(place.iterdir(), key=os.fsencode)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            # To go on would be to skip the checks that are in there.
            yield Found(place, hook_prefix, problem=f"cannot be read: {error.strerror}")
            continue
        for path in paths:
            if path.name.startswith(f"{phase}."):
                yield Found(path, hook_prefix, reason_to_skip(path))


def reason_to_skip(path: Path) -> str:
    """Why a file that is called like a hook does not run; "" if it does."""
    if path.name.endswith((".bak", "~")):
        return "it is called like a backup copy"
    if not path.exists():
        return "it is a symbolic link to nothing"
    if not path.is_file():
        return "it is not a file"
    if not os.access(path, os.X_OK):
        return "it is not executable"
    return ""
