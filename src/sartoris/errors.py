"""The one error tree. An error carries what happened, the way out, and its exit code.

Every error that Sartoris expects is a `SartorisError`. `sartoris.cli.boundary` turns one into text
and an exit code, and for sync scripts `sartoris.display.ending`; nothing else exits or prints an
error. The exit codes are the public contract, and each belongs to exactly one class here, whose
subclasses say what happened without giving the code a second meaning. `means` is that meaning, in
the words of the manual and of docs/exit-codes.md.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import ClassVar


class SartorisError(Exception):
    """What went wrong in one or a few lines, and the commands to type next.

    `message` is for a person and complete in itself. `next_steps` are commands (or short
    instructions) in the order in which to try them; may be empty.
    """

    exit_code: ClassVar[int] = 1
    means: ClassVar[str]

    def __init__(self, message: str, *, next_steps: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.next_steps = tuple(next_steps)


class Refused(SartorisError):
    """The request was refused; nothing has changed."""

    exit_code = 1
    means = (
        "refused, and nothing has changed: bad configuration, a failed check, a failed hook,"
        " another person's lock, git failed"
    )


class WrongUsage(SartorisError):
    """The command line makes no sense."""

    exit_code = 2
    means = "wrong usage of the command line"


class NoTargets(WrongUsage):
    """These `names` are no targets; `known` are those that there are."""

    def __init__(self, names: Iterable[str], known: Iterable[str]) -> None:
        there = ", ".join(known) or "none"
        super().__init__(
            f"not a target of this repository: {', '.join(sorted(names))} (it has {there})"
        )


class WrongSetup(SartorisError):
    """The user's own set-up (name, mail, umask) does not allow deploying."""

    exit_code = 17
    means = "the user's own set-up is wrong: name, mail address, umask"


class NoPrefix(SartorisError):
    """Neither the command line nor the configuration names a prefix."""

    exit_code = 19
    means = "no prefix: neither the command nor `deploy.tag-prefix` names one"


class ServiceIncomplete(SartorisError):
    """The service was not acted on everywhere. What is live is another question."""

    exit_code = 69  # sysexits.h: a service is unavailable
    means = (
        "`service restart` or `reload` was not done on every target: the message says where it was"
    )


class SyncIncomplete(SartorisError):
    """A sync (or the way back from one) did not reach every target it had to."""

    exit_code = 71
    means = (
        "the sync (or the way back from one, or a `converge`) was not complete: the message says"
        " what is live where and what to do next"
    )


class NotFinished(SartorisError):
    """The release is where it should be; something that follows a sync has failed."""

    exit_code = 72
    means = (
        "the sync itself was complete, but what follows it failed, a `post-sync` hook for example:"
        " the rollout is still open"
    )


class CachesStale(SartorisError):
    """Everything is done, but some caches may still serve pages of another release."""

    exit_code = 73
    means = (
        "everything is done and the rollout is over, but a cache of `deploy.varnish` may still"
        " serve old pages: the message has the command that purges it"
    )


class GitFailed(Refused):
    """A git command that had to succeed did not.

    `arguments` is the command as run, `output` the end of what it wrote to standard error.
    """

    def __init__(
        self,
        arguments: Iterable[str],
        exit_code: int,
        output: str,
        *,
        happened: str = "",
        next_steps: Iterable[str] = (),
    ) -> None:
        self.arguments = tuple(arguments)
        self.git_exit_code = exit_code
        self.output = output
        text = f"`{' '.join(self.arguments)}` {happened or f'failed with exit code {exit_code}'}"
        message = f"{text}:\n{output.rstrip()}" if output.strip() else text
        super().__init__(message, next_steps=next_steps)


class GitTimedOut(GitFailed):
    """A git command that talks to a remote did not end in time, and was stopped.

    `seconds` is how long it had, `remote` the name and URL of who did not answer, "" where that is
    the remote of some submodule.
    """

    def __init__(self, arguments: Iterable[str], seconds: float, remote: str, output: str) -> None:
        who = remote or "the remote of a submodule"
        ask = f"git ls-remote {remote.partition(' ')[0]}" if remote else "git submodule update"
        super().__init__(
            arguments,
            -signal.SIGTERM,
            output,
            happened=f"did not end within {seconds:g} s (deploy.git-timeout) and was"
            f" stopped; is {who} reachable?",
            next_steps=[
                f"{ask}   # does it answer?",
                f"git config deploy.git-timeout {2 * seconds:.0f}   # if it needs more time",
            ],
        )


class MachineTrouble(SartorisError):
    """The machine refused: a full disk, or a directory that this user may not write to."""

    exit_code = 74  # sysexits.h: an input or output error
    means = (
        "the machine refused, a full disk for example; `git deploy status` tells where the rollout"
        " stands"
    )

    @classmethod
    def of(cls, error: OSError) -> MachineTrouble:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return cls(
            f"{where}{error.strerror or error}",
            next_steps=["git deploy status   # tells where the rollout stands"],
        )
