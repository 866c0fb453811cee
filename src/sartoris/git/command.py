"""Run git. Arguments are a list, never a shell string; output is bytes until asked for as text."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sartoris.errors import GitFailed, Refused

# Variables that a caller's environment (a hook, an alias) may carry and that would make git look at
# another repository than the one that is meant. From `git rev-parse --local-env-vars`.
_FOREIGN = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def without_repository(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without the variables that tie git to a certain repository."""
    return {key: value for key, value in environment.items() if key not in _FOREIGN}


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


class Git:
    """git in one directory.

    `git_dir`, where given, is used as it is: no discovery, no ownership check. `environment` is
    added to this process's own for every command.
    """

    def __init__(
        self,
        directory: Path,
        git_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.git_dir = git_dir
        self.environment = environment or {}

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        check: bool = True,
        show: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> GitResult:
        """Run `git ARGUMENTS` and wait for it.

        `show`: standard error goes to the user's terminal (progress, password prompts) instead of
        the result. Raises `GitFailed` when `check` and the exit code is not 0, `Refused` when git
        cannot be started.
        """
        command = self._command(arguments)
        try:
            done = subprocess.run(
                command,
                cwd=self.directory,
                env=self._environment(environment or {}),
                input=stdin,
                stdin=None if stdin is not None or show else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if show else subprocess.PIPE,
                check=False,
            )
        except FileNotFoundError as error:
            if not self.directory.is_dir():
                raise Refused(f"{self.directory} is not a directory") from error
            raise Refused(
                "git is not installed, or not in PATH", next_steps=["apt-get install git"]
            ) from error
        result = GitResult(tuple(command), done.returncode, done.stdout, done.stderr or b"")
        if check and not result.ok:
            raise GitFailed(result.arguments, result.exit_code, result.tail())
        return result

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
        os.execvpe("git", self._command(arguments), self._environment({}))

    def _command(self, arguments: Sequence[str]) -> list[str]:
        where = [f"--git-dir={self.git_dir}"] if self.git_dir is not None else []
        return ["git", *where, *arguments]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**without_repository(os.environ), **self.environment, **more}
