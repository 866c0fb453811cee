"""What ssh's configuration says of a target, by ssh's own reading of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.config.targets import Host
from sartoris.git.limited import run_limited

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way

_SECONDS = 10.0


def settings(way: Way, host: Host) -> dict[str, str]:
    """By lower-case names; empty where ssh refuses."""
    port = ("-p", str(host.port)) if host.port else ()
    said = output_of([*way.program, "-G", *port, host.address])
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


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
