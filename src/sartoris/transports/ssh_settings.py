"""What ssh's configuration says of a target, by ssh's own reading of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.config.targets import Host
from sartoris.git.limited import run_limited

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way

_SECONDS = 10.0


def settings(way: Way, host: Host) -> dict[str, str]:
    """By lower-case names, the last of each; empty where ssh refuses."""
    return dict(all_settings(way, host))


def all_settings(way: Way, host: Host) -> Iterator[tuple[str, str]]:
    """The same, of names that are said more than once each."""
    port = ("-p", str(host.port)) if host.port else ()
    said = output_of([*way.program, "-G", *port, host.address])
    for line in said.splitlines():
        name, space, value = line.partition(" ")
        if space:
            yield name, value


def output_of(words: Sequence[str], given: str = "") -> str:
    """What a program of ssh's says to `given`; "" where it cannot be asked."""
    try:
        done = run_limited(
            words,
            directory=Path(),
            environment=os.environ,
            seconds=_SECONDS,
            stdin=given.encode(),
        )
    except OSError:
        return ""
    return done.stdout.decode(errors="replace")
