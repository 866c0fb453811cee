"""Permissions in a work tree, as a fresh checkout under the umask 022 gives them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_EXECUTABLE, _PLAIN = 0o755, 0o644
_OWNER_EXECUTES = 0o100


class Modes:
    """What permissions should be in the work tree at `tree`.

    If not `exact`, more than a checkout gives may stay. A default ACL decides by itself, and
    directories hand their setgid bit down: so they do in a fresh checkout, and they stay.
    """

    def __init__(self, tree: Path, *, exact: bool) -> None:
        self._exact = exact
        self._by_acl = _has_default_acl(tree)
        self._setgid = (tree.parent if exact else tree).stat().st_mode & stat.S_ISGID

    def of_directory(self, facts: os.stat_result) -> int:
        """For a directory, whose facts these are."""
        return self._of(facts, _EXECUTABLE | self._setgid)

    def of_file(self, facts: os.stat_result, *, executable: bool) -> int:
        """For a file, whose facts these are."""
        if executable != bool(facts.st_mode & _OWNER_EXECUTES):
            return _EXECUTABLE if executable else _PLAIN
        return self._of(facts, _EXECUTABLE if executable else _PLAIN)

    def _of(self, facts: os.stat_result, fresh: int) -> int:
        mode = stat.S_IMODE(facts.st_mode)
        if self._by_acl:
            return mode
        return fresh if self._exact else fresh | mode


def directories_of(paths: Iterable[str]) -> Iterator[str]:
    """The directories above the paths, each once, and after the one that it is in."""
    seen = {""}
    for path in paths:
        new, above = [], path.rpartition("/")[0]
        while above not in seen:
            seen.add(above)
            new.append(above)
            above = above.rpartition("/")[0]
        yield from reversed(new)


def _has_default_acl(directory: Path) -> bool:
    try:
        return "system.posix_acl_default" in os.listxattr(directory)
    except OSError:  # a file system without any
        return False
