"""Run a command for a limited time, and stop it with everything that it has started.

A git that talks to a remote waits for ssh or for a helper of its own. Where these do not notice
that nobody answers, git never ends, and it holds the rollout's lock. It stays in our process group:
ssh may ask for a password at the terminal, and Ctrl-C reaches all of them.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sartoris.interrupts import interrupts_held_back

# Seconds between being asked to stop and being killed: git removes what is half done meanwhile.
GRACE = 5.0


class Ended(NamedTuple):
    """How a command ended. `exit_code` is None if its time was over and it was stopped."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes


def run_limited(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    seconds: float,
    stdin: bytes = b"",
) -> Ended:
    """Run `command` for `seconds` at most; 0 for as long as it likes.

    Raises `OSError` when it cannot be started.
    """
    # Into files: what a stopped command leaves running would keep a pipe open.
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        interrupts_held_back() as let_go,
    ):
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=given,
            stdout=out,
            stderr=err,
        )
        try:
            let_go()
            in_time = _ends_within(process, seconds)
        finally:
            _stop(process)
        out.seek(0)
        err.seek(0)
        return Ended(process.returncode if in_time else None, out.read(), err.read())


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for its end. Not with `wait` and a time limit, which would notice it late."""
    if seconds:
        descriptor = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(seconds * 1000):
                return False
        finally:
            os.close(descriptor)
    process.wait()
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it, if it still runs, and what it has started."""
    if process.returncode is not None:
        return
    everyone = [process.pid, *_descendants(process.pid)]
    _send(signal.SIGTERM, everyone)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _send(signal.SIGKILL, everyone[1:])
    process.kill()  # nothing if it has ended
    process.wait()


def _send(number: signal.Signals, processes: Sequence[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _descendants(process: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have."""
    for listing in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has ended since
            for child in map(int, listing.read_text().split()):
                yield child
                yield from _descendants(child)
