"""Commands as another user of this machine."""

from __future__ import annotations

import pwd
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]


def as_user(account: pwd.struct_passwd, command: Sequence[str], aside: Path) -> list[str]:
    """The command that runs `command` as `account`, without any other group.

    Where the Python of the tests lies in a directory that is closed to others, as it does in root's
    home, the command gets a view of its own of the file system, in which that is open. `aside` is
    a directory for its mounts.
    """
    user = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    become = ["setpriv", *user, "--", *command]
    needed = [path for path in _needed() if _closed(path) is not None]
    if not needed:
        return become
    closed = {str(path) for path in map(_closed, needed) if path is not None}
    script = "\n".join(["set -e", *_opening(needed, sorted(closed), aside), 'exec "$@"'])
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", *become]


def _opening(needed: Sequence[Path], closed: Sequence[str], aside: Path) -> Iterator[str]:
    """Shell commands that leave nothing in each closed directory but what is needed."""
    kept = [(shlex.quote(str(aside / str(number))), path) for number, path in enumerate(needed)]
    for keep, path in kept:
        yield f"mkdir -p {keep} && mount --bind {shlex.quote(str(path))} {keep}"
    for directory in closed:
        yield f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(directory)}"
    for keep, path in kept:
        place = shlex.quote(str(path))
        yield f"mkdir -p {place} && mount --bind {keep} {place}"


def _needed() -> Iterator[Path]:
    """What a command of the tests' virtual environment reads."""
    seen: list[Path] = []
    for path in (Path(sys.base_prefix), Path(sys.prefix), _REPOSITORY):
        if not any(path.is_relative_to(other) for other in seen):
            seen.append(path)
            yield path


def _closed(path: Path) -> Path | None:
    """The first directory on the way to `path` that others may not pass."""
    for directory in reversed([path, *path.parents]):
        if not directory.stat().st_mode & stat.S_IXOTH:
            return directory
    return None
