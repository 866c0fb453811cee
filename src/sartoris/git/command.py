"""Run git. Arguments are a list, never a shell string; output is bytes until asked for as text."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sartoris.errors import GitFailed, GitTimedOut, Refused
from sartoris.git.environment import pinned, without_repository
from sartoris.git.limited import run_limited
from sartoris.git.urls import without_secret


class GitResult(NamedTuple):
    """What one git command did. `stdout` and `stderr` are the bytes it wrote."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """Standard output without its final newlines; undecodable bytes survive a round trip."""
        return os.fsdecode(self.stdout).rstrip("\n")

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n") if self.text else []

    @property
    def records(self) -> list[str]:
        """The NUL-terminated records of a `-z` output."""
        return [os.fsdecode(record) for record in self.stdout.split(b"\0") if record]

    def tail(self, lines: int = 10) -> str:
        """The last lines of standard error."""
        return "\n".join(self.stderr.decode(errors="replace").rstrip().split("\n")[-lines:])


def ten_minutes() -> float:
    """The time limit of who has no configuration to ask for one."""
    return 600.0


class Git:
    """git in one directory.

    `git_dir`, where given, is used as it is: no discovery, no ownership check. `environment` is
    added to this process's own for every command. `limit` is asked how many seconds a command may
    take that talks to a remote, 0 for any number.
    """

    def __init__(
        self,
        directory: Path,
        git_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
        limit: Callable[[], float] = ten_minutes,
    ) -> None:
        self.directory = directory
        self.git_dir = git_dir
        self.environment = environment or {}
        self.limit = limit

    def with_environment(self, more: Mapping[str, str]) -> Git:
        """The same, with more in the environment of every command."""
        environment = {**self.environment, **more}
        return Git(self.directory, self.git_dir, environment, self.limit)

    def run(self, *arguments: str, stdin: bytes | None = None, check: bool = True) -> GitResult:
        """Run `git ARGUMENTS` and wait for it, however long it takes: nothing for the network.

        Raises `GitFailed` when `check` and the exit code is not 0, `Refused` when git cannot be
        started.
        """
        result = self._ended(arguments, stdin, subprocess.PIPE)
        if check and not result.ok:
            raise GitFailed(result.arguments, result.exit_code, result.tail())
        return result

    def write(self, file: BinaryIO, *arguments: str, stdin: bytes = b"") -> None:
        """As `run`, with its standard output to a file, from where that is. Raises as `run`."""
        result = self._ended(arguments, stdin, file)
        if not result.ok:
            raise GitFailed(result.arguments, result.exit_code, result.tail())

    def _ended(
        self, arguments: Sequence[str], stdin: bytes | None, stdout: int | BinaryIO
    ) -> GitResult:
        command = self._command(arguments)
        try:
            done = subprocess.run(
                command,
                cwd=self.directory,
                env=self._environment(),
                input=stdin,
                stdin=None if stdin is not None else subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                check=False,
            )
        except FileNotFoundError as error:
            raise self._not_started() from error
        return GitResult(tuple(command), done.returncode, done.stdout or b"", done.stderr)

    def reach(self, *arguments: str, remote: str = "", stdin: bytes = b"") -> GitResult:
        """As `run`, for a command that talks to a remote: it is stopped when its time is over.

        `remote` is the name or URL that the command is for, "" for those of submodules. Raises
        `GitTimedOut` then.
        """
        command, seconds = self._command(arguments), self.limit()
        try:
            done = run_limited(
                command,
                directory=self.directory,
                environment=self._environment(),
                seconds=seconds,
                stdin=stdin,
            )
        except FileNotFoundError as error:
            raise self._not_started() from error
        result = GitResult(tuple(command), done.exit_code or 0, done.stdout, done.stderr)
        if done.exit_code is None:
            raise GitTimedOut(result.arguments, seconds, self._described(remote), result.tail())
        if not result.ok:
            raise GitFailed(result.arguments, result.exit_code, result.tail())
        return result

    def _described(self, remote: str) -> str:
        """A remote by its name and its URL."""
        url = self.run("remote", "get-url", "--", remote, check=False).text if remote else ""
        return f"{remote} ({without_secret(url)})" if url else without_secret(remote)

    def _not_started(self) -> Refused:
        if not self.directory.is_dir():
            return Refused(f"{self.directory} is not a directory")
        steps = ["apt-get install git"]
        return Refused("git is not installed, or not in PATH", next_steps=steps)

    def text(self, *arguments: str) -> str:
        return self.run(*arguments).text

    def lines(self, *arguments: str) -> list[str]:
        return self.run(*arguments).lines

    def succeeds(self, *arguments: str) -> bool:
        """Whether the command exits 0, for the git commands that answer a question that way."""
        return self.run(*arguments, check=False).ok

    def replace_process(self, *arguments: str) -> None:
        """Become `git ARGUMENTS`: pager, colours and exit code are git's own. Does not return."""
        os.chdir(self.directory)
        # To be read by people, so their own colours and forms count.
        ours = {**without_repository(os.environ), **self.environment}
        os.execvpe("git", self._command(arguments), ours)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        where = [f"--git-dir={self.git_dir}"] if self.git_dir is not None else []
        return ["git", *where, *arguments]

    def _environment(self) -> dict[str, str]:
        kept = without_repository(os.environ)
        return {**kept, **pinned(kept), **self.environment}
