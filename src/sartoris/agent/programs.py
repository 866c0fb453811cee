"""Running programs, not longer than the order may take."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Optional, Union

from sartoris.agent.errors import Failure
from sartoris.agent.orphans import MARK

OUTPUT_LINES = 20

# Whose umask it was is nothing that a release should depend on; of all programs, its hooks too.
UMASK = 0o022

_ERRORS = 1 << 16  # bytes of them that are kept
GRACE = 0.5  # seconds between SIGTERM, at which git removes its temporary files, and SIGKILL


class Ended(NamedTuple):
    """How a program ended: exit code, the end of its output, and of its errors if kept apart."""

    code: int
    output: bytes
    errors: bytes = b""


class Programs:
    """Runs programs until the order's deadline.

    `lock` is the slot's lock, for git to inherit, and `mark` says of whom it has it. `told` is what
    the release's own programs wrote that succeeded.
    """

    def __init__(self, timeout: int) -> None:
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.lock: Optional[int] = None
        self.mark = ""
        self.told: list[str] = []

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        hold_lock: bool = True,
        tail: int = 1 << 16,
        stdin: Union[bytes, int] = b"",
        errors: int = subprocess.STDOUT,
    ) -> Ended:
        """Run a program in its own session and wait; the last `tail` bytes of its output.

        `stdin` is what it reads, or a descriptor.

        Whoever reads the output gives subprocess.PIPE for `errors`: what a program writes to its
        standard error (warnings, traces) is for people, and not part of its answer.

        With `hold_lock` the slot stays locked while the program lives, should the agent be killed.
        Raises OSError when it cannot be started, Failure when the time is up.
        """
        held = self.lock is not None and hold_lock
        mark = {MARK: self.mark} if held else {}
        with readable(stdin) as given:
            process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env={**environment, **mark},
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                pass_fds=() if self.lock is None or not hold_lock else (self.lock,),
                umask=UMASK,
            )
        with process:
            try:
                output, *rest = self._collect(process, tail)
                return Ended(process.wait(max(self.left(), 0)), output, *rest)
            except subprocess.TimeoutExpired:
                raise self.too_late() from None
            finally:
                _end(process)

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def too_late(self) -> Failure:
        return Failure("timeout", f"the order took longer than {self.timeout} s and was ended")

    def _collect(self, process: subprocess.Popen[bytes], tail: int) -> list[bytes]:
        """What comes out of each of the pipes."""
        pipes = [pipe.fileno() for pipe in (process.stdout, process.stderr) if pipe is not None]
        read = {pipe: bytearray() for pipe in pipes}
        poll, still_open = select.poll(), set(pipes)
        for pipe in pipes:
            poll.register(pipe, select.POLLIN)
        while still_open:
            # Read on for as long as there is something; a daemon that the program left behind may
            # keep the pipe open after the program itself has ended.
            ended = process.poll() is not None
            ready = poll.poll(0 if ended else 50)
            for pipe, _ in ready:
                chunk = os.read(pipe, 1 << 16)
                if not chunk:
                    poll.unregister(pipe)
                    still_open.remove(pipe)
                read[pipe] += chunk
                del read[pipe][: -(tail if pipe == pipes[0] else _ERRORS)]
            if ended and not ready:
                break
            if self.left() <= 0:
                raise self.too_late()
        return [bytes(read[pipe]) for pipe in pipes]


@contextlib.contextmanager
def readable(content: Union[bytes, int]) -> Iterator[int]:
    """A descriptor from which a program reads the content, which may be one already."""
    if isinstance(content, int):
        yield content
        return
    if not content:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that still runs, with everything it started, and reap it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_lines(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").rstrip().split("\n")[-OUTPUT_LINES:])


GIT_VARIABLES_KEPT = (
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_TRACE",
)


def inherited_environment() -> dict[str, str]:
    """This process's environment without what would point git at another repository."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(GIT_VARIABLES_KEPT)
    }
