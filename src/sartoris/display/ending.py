"""How a process of ours ends: its exit code, and the text of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sartoris.display import streams
from sartoris.errors import MachineTrouble, SartorisError
from sartoris.formatting import hanging

EX_SOFTWARE = 70  # sysexits.h: an internal error
INTERRUPTED = 130  # what a shell reports for a program that SIGINT ended


def exit_code_of(error: BaseException) -> int:
    """The exit code of a process that ends with `error`."""
    if isinstance(error, SartorisError):
        return error.exit_code
    if isinstance(error, OSError):
        return MachineTrouble.exit_code
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else EX_SOFTWARE


def tell(program: str, error: SartorisError) -> None:
    """The error and what to type next, on standard error."""
    first, *more = hanging(f"{program}: {error.message}").split("\n")
    streams.say(first, "red")
    if more:
        streams.say("\n".join(more))
    if error.next_steps:
        streams.say("Next:")
    for step in error.next_steps:
        streams.say_command(hanging(f"  {step}"))


@contextmanager
def leaving(program: str) -> Iterator[None]:
    """Leave the process at an error of a body that is not ours: what it raises itself is its own
    affair.

    Except what nearly every such body meets: a command of its own that fails, and Ctrl-C.
    """
    import shlex
    import subprocess

    try:
        yield
    except SartorisError as error:
        tell(program, error)
        sys.exit(error.exit_code)
    except subprocess.CalledProcessError as error:
        shown = error.cmd if isinstance(error.cmd, str) else shlex.join(map(os.fsdecode, error.cmd))
        streams.say(hanging(f"{program}: `{shown}` ended with {error.returncode}"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
