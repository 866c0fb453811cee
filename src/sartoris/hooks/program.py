"""Run one hook to its end: show what it writes, keep the last of it, and stop it if it must be."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sartoris.formatting import quoted
from sartoris.hooks.terminal import terminal_to_lend
from sartoris.interrupts import interrupts_held_back

# Seconds between being asked to stop and being killed.
GRACE = 5.0
# Seconds for which output is read after a hook has ended, if something it left behind still writes.
LINGER = 0.3
# Seconds between two looks at what else happens while a program runs.
TICK = 0.2

_TAIL_BYTES, _TAIL_LINES = 16_384, 40


@dataclass(frozen=True)
class Ended:
    """How a program ended: see `HookReport` for the fields."""

    exit_code: int | None
    seconds: float = 0.0
    output_tail: str = ""
    interrupted: bool = False
    problem: str = ""


def run_program(
    path: Path,
    *,
    directory: Path,
    environment: Mapping[str, str],
    timeout: float,
    show: Callable[[bytes], None],
    meanwhile: Callable[[], None] | None = None,
) -> Ended:
    """Run `path` in `directory`; never raises because of what the program does.

    `show` gets what it writes to either stream, as it comes, and at its end nothing, `b""`.
    `meanwhile` is called a few times a second while it runs, and once more when it has ended. It
    may take `timeout` seconds, 0 for as long as it likes. When we are interrupted it is stopped.
    """
    began = time.monotonic()
    until = began + timeout if timeout else float("inf")
    with terminal_to_lend() as lend, interrupts_held_back() as let_go:
        try:
            running = _Running(path, directory, environment, show, meanwhile)
        except OSError as error:
            return Ended(None, problem=_cannot_start(path, directory, error))
        lent = lend(running.process.pid)
        in_time = running.follow(until, let_go)
    code = running.process.returncode if in_time else None
    return Ended(
        exit_code=code,
        seconds=time.monotonic() - began,
        output_tail=running.tail,
        interrupted=lent and code in (-signal.SIGINT, 128 + signal.SIGINT),
        problem="" if in_time else f"took longer than {timeout:g} seconds and was stopped",
    )


class _Running:
    """A program that was started, in a process group of its own."""

    def __init__(
        self,
        path: Path,
        directory: Path,
        environment: Mapping[str, str],
        show: Callable[[bytes], None],
        meanwhile: Callable[[], None] | None,
    ) -> None:
        self._show_output, self._meanwhile = show, meanwhile
        self._output, hooks_end = os.pipe()
        try:
            self.process = _start(path, directory, environment, hooks_end)
        except BaseException:
            os.close(self._output)
            raise
        finally:
            os.close(hooks_end)
        self._open = True
        self._last = b""
        # A thread waits, and closes a pipe when the program has ended: `poll` can then wait for
        # that and for output at once, and neither is late by an interval of polling.
        self._ended, closed_at_end = os.pipe()
        threading.Thread(target=self._wait, args=(closed_at_end,), daemon=True).start()

    def follow(self, until: float, let_go: Callable[[], None]) -> bool:
        """Show output until the program has ended. False: it had to be stopped at `until`.

        `let_go` lets an interrupt through, which has to wait until it finds us here.
        """
        try:
            let_go()
            in_time = self._show_until(until)
            if not in_time:
                self._stop()
            self._show_the_rest()
            self._tick()
        except BaseException:
            self._stop()
            raise
        finally:
            os.close(self._output)
            os.close(self._ended)
        return in_time

    @property
    def tail(self) -> str:
        lines = self._last.decode(errors="replace").rstrip().split("\n")
        return "\n".join(lines[-_TAIL_LINES:])

    def _wait(self, closed_at_end: int) -> None:
        self.process.wait()
        os.close(closed_at_end)

    def _show_until(self, until: float) -> bool:
        """Whether the program has ended before `until`."""
        while True:
            left = until - time.monotonic()
            watched = [self._ended, self._output] if self._open else [self._ended]
            ready = _ready(watched, min(left, TICK) if self._meanwhile else left)
            if self._ended in ready:
                return True
            if left <= 0:
                return False
            if ready:
                self._show()
            self._tick()

    def _tick(self) -> None:
        if self._meanwhile is not None:
            self._meanwhile()

    def _show_the_rest(self) -> None:
        until = time.monotonic() + LINGER
        while self._open and (left := until - time.monotonic()) > 0:
            if _ready([self._output], left):
                self._show()
        if self._open:
            self._show_output(b"")

    def _show(self) -> None:
        chunk = os.read(self._output, 65_536)
        self._open = bool(chunk)
        self._last = (self._last + chunk)[-_TAIL_BYTES:]
        self._show_output(chunk)

    def _stop(self) -> None:
        """Ask the whole group to end, and then make it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            if number == signal.SIGTERM:
                self._show_until(time.monotonic() + GRACE)
        self._show_until(time.monotonic() + GRACE)


def _start(
    path: Path, directory: Path, environment: Mapping[str, str], output: int
) -> subprocess.Popen[bytes]:
    def start(*command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=output,
            process_group=0,
        )

    try:
        return start(str(path))
    except OSError as error:
        # git-deploy starts hooks through the shell, which takes a text without `#!` for its own.
        if error.errno == errno.ENOEXEC and b"\0" not in _beginning(path):
            return start("/bin/sh", str(path))
        raise


def _ready(descriptors: list[int], seconds: float) -> set[int]:
    """Those that can be read, or are at their end, after waiting for one of them."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    wait = None if seconds == float("inf") else max(0.0, seconds) * 1000
    return {descriptor for descriptor, _ in poll.poll(wait)}


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError:
        return b""


def _cannot_start(path: Path, directory: Path, error: OSError) -> str:
    if not directory.is_dir():
        return f"cannot be started: {directory} is not a directory"
    first = _beginning(path).partition(b"\n")[0]
    if error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR) and first.startswith(b"#!"):
        interpreter = quoted(os.fsdecode(first[2:]).lstrip(" \t"))
        return f"cannot be started: its first line asks for {interpreter}: {error.strerror}"
    return f"cannot be started: {error.strerror}"
