"""How many files this process may have open: each connection to a target takes three."""

from __future__ import annotations

import resource
from contextlib import suppress

from sartoris.errors import Refused
from sartoris.formatting import plural

_OF_A_CONNECTION = 3
_OWN = 50
_IN_PASSING = 256  # of programs that are just being started, where the system lets us


class TooFewOpenFiles(Refused):
    """Connections to all targets are more files than a process may have open here."""


def needed(targets: int) -> int:
    return _OF_A_CONNECTION * targets + _OWN


def lacking(targets: int) -> str:
    """What is wrong with the limit, for a person; "" if nothing is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= needed(targets):
        return ""
    return (
        f"a process may have {hard} files open, and connections to"
        f" {plural(targets, 'target')} need {needed(targets)}"
    )


def remedy(targets: int) -> str:
    """What to type for a limit that is too low."""
    return f"ulimit -n {needed(targets)}   # as root, or nofile in /etc/security/limits.conf"


def allow(targets: int) -> None:
    """Let this process have as many open as it needs. Raises `TooFewOpenFiles`."""
    if problem := lacking(targets):
        raise TooFewOpenFiles(problem, next_steps=[remedy(targets)])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed(targets) + _IN_PASSING
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
