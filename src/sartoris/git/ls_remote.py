"""Ask a repository elsewhere what it has, without waiting for ever, and without a prompt."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile

from sartoris.errors import GitFailed, Refused
from sartoris.git.command import Git
from sartoris.git.environment import without_repository

PATIENCE = 15.0  # seconds

# Whoever asks has no terminal: a question for a password is an answer, too.
_UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS_REQUIRE": "never"}


def refs_at(git: Git, url: str, *patterns: str) -> dict[str, str]:
    """The refs at `url` that match `patterns`, with what they lead to (tags also with `^{}`).

    `url` may be the name of a remote. Raises `GitFailed`, and `Refused` when nothing answers.
    """
    command = ("git", "ls-remote", "--", url, *patterns)
    # Into files: what git leaves running, such as ssh, would keep a pipe open.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=git.directory,
            env={**without_repository(os.environ), **git.environment, **_UNATTENDED},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Refused(f"{url} does not answer within {PATIENCE:g} s") from None
        finally:
            _end(process)
        said.seek(0)
        errors.seek(0)
        if code:
            raise GitFailed(command, code, errors.read(4096).decode(errors="replace"))
        return _parsed(os.fsdecode(said.read()))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Everything that was begun for it ends too."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _parsed(listing: str) -> dict[str, str]:
    pairs = (line.split("\t") for line in listing.splitlines())
    return {ref: commit for commit, ref in pairs}
