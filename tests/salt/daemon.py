"""Programs in the background, which never outlive the tests."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.salt import keeper
from tests.salt.keeper import kill_family


class Keeper:
    """Kills what was handed to it and removes `directory`, at `end` or when this process dies."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-IS", keeper.__file__, str(directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int) -> None:
        self._say(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        self._say(f"-{pid}\n")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Daemon:
    """A program in the background. What it prints goes to the file `printed`."""

    def __init__(
        self, command: Sequence[str], keeper: Keeper, printed: Path, environment: Mapping[str, str]
    ) -> None:
        self.command = list(command)
        self.keeper = keeper
        self.printed = printed
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of its first process, and of the process group."""
        assert self._process is not None, f"{self.command[0]} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.running, f"{self.command[0]} runs already"
        with self.printed.open("ab") as printed:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd="/",  # whose user may not be let into ours
                start_new_session=True,
            )
        self.keeper.watch(self.pid)

    def kill(self) -> None:
        """Kill it with all its descendants at once, as a machine that loses its power."""
        if self._process is not None:
            kill_family(self.pid)
            self.wait()
            self.keeper.forget(self.pid)
            self._process = None

    def stop(self, limit: float = 20) -> None:
        """Ask it to end; what is left after `limit` seconds is killed."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(limit)
            self.kill()

    def wait(self) -> None:
        """Wait until it ends by itself, or by its keeper."""
        if self._process is not None:
            self._process.wait()
