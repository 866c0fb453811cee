"""The one error tree. An error carries what happened, the way out, and its exit code.

Every error that Sartoris expects is a `SartorisError`. `sartoris.cli.boundary` turns one into text
and an exit code, and for sync scripts `sartoris.display.ending`; nothing else exits or prints an
error. The exit codes are the public contract (docs/exit-codes.md), and each belongs to exactly one
class here, whose subclasses say what happened without giving the code a second meaning.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import ClassVar


class SartorisError(Exception):
    """What went wrong in one or a few lines, and the commands to type next.

    `message` is for a person and complete in itself. `next_steps` are commands (or short
    instructions) in the order in which to try them; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_steps: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.next_steps = tuple(next_steps)


class Refused(SartorisError):
    """The request was refused; nothing has changed."""

    exit_code = 1


class WrongUsage(SartorisError):
    """The command line makes no sense."""

    exit_code = 2


class WrongSetup(SartorisError):
    """The user's own set-up (name, mail, umask) does not allow deploying."""

    exit_code = 17


class NoPrefix(SartorisError):
    """Neither the command line nor the configuration names a prefix."""

    exit_code = 19


class SyncIncomplete(SartorisError):
    """A sync (or the way back from one) did not reach every target it had to."""

    exit_code = 71


class GitFailed(Refused):
    """A git command that had to succeed did not.

    `arguments` is the command as run, `output` the end of what it wrote to standard error.
    """

    def __init__(self, arguments: Iterable[str], exit_code: int, output: str) -> None:
        self.arguments = tuple(arguments)
        self.git_exit_code = exit_code
        self.output = output
        shown = " ".join(self.arguments)
        text = f"`{shown}` failed with exit code {exit_code}"
        super().__init__(f"{text}:\n{output.rstrip()}" if output.strip() else text)


class MachineTrouble(SartorisError):
    """The machine refused: a full disk, or a directory that this user may not write to."""

    exit_code = 74  # sysexits.h: an input or output error

    @classmethod
    def of(cls, error: OSError) -> MachineTrouble:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return cls(
            f"{where}{error.strerror or error}",
            next_steps=["git deploy status   # tells where the rollout stands"],
        )
