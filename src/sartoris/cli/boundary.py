"""The only place where an error becomes text and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from sartoris.display import streams
from sartoris.display.ending import EX_SOFTWARE, INTERRUPTED, exit_code_of, tell
from sartoris.errors import MachineTrouble, Refused, SartorisError


class Interrupted(KeyboardInterrupt):
    """`message` says where it stands, `next_steps` are commands that lead on."""

    def __init__(self, message: str, next_steps: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.next_steps = next_steps


def run(program: str, body: Callable[[], int | None]) -> NoReturn:
    """Run `body` and leave the process with its exit code, or with that of its error."""
    accept_interrupts()
    streams.open_closed()
    streams.pass_bytes_through()
    sys.exit(guarded(program, body))


def accept_interrupts() -> None:
    """Let SIGINT end us, and the programs that we start, wherever we were started ourselves.

    A shell starts what a script runs in the background with SIGINT ignored; so do some CI systems.
    Nobody could stop a hook that hangs there, and `kill -INT` is how one stops `git deploy`.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def guarded(program: str, body: Callable[[], int | None]) -> int:
    """As `run`, returning the exit code."""
    try:
        return body() or 0
    except SartorisError as error:
        tell(program, error)
        return error.exit_code
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.ClickException as error:
        _show_usage(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as interrupt:
        _tell_interrupt(program, interrupt)
        return INTERRUPTED
    except OSError as error:
        trouble = MachineTrouble.of(error)
        tell(program, trouble)
        return trouble.exit_code
    except Exception:  # noqa: BLE001 - everything else is a bug, and this is the boundary
        streams.say(_bug(program))
        return EX_SOFTWARE


def _tell_interrupt(program: str, interrupt: BaseException) -> None:
    """Click has ended the line on which a terminal shows `^C`, and made an `Abort` of it."""
    said = interrupt.__cause__ if isinstance(interrupt, click.Abort) else interrupt
    if not isinstance(said, Interrupted):
        said = Interrupted("interrupted; `git deploy status` tells where it stands")
    tell(program, Refused(said.message, next_steps=said.next_steps))


def _show_usage(error: click.ClickException) -> None:
    import io

    text = io.StringIO()
    error.show(text)
    streams.say(text.getvalue().rstrip("\n"))


def code_of(error: BaseException) -> int:
    """The exit code that `guarded` gives for `error`."""
    if isinstance(error, click.exceptions.Exit | click.ClickException):
        return error.exit_code
    return INTERRUPTED if isinstance(error, click.Abort) else exit_code_of(error)


def tell_json(error: SartorisError) -> None:
    """The error as the last line of `--json`, on standard output."""
    document = {
        "event": "error",
        "error": type(error).__name__,
        "message": error.message,
        "next": list(error.next_steps),
        "exit_code": error.exit_code,
    }
    streams.print_document(document, indent=None)


def _bug(program: str) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix=f"{program}-", suffix=".log", delete=False, errors="surrogateescape"
    ) as log:
        traceback.print_exc(file=log)
    summary = traceback.format_exc().rstrip().split("\n")[-1]
    return (
        f"{program}: this is a bug in Sartoris: {summary}\n"
        f"The details are in {log.name}\n"
        "Next:\n  git deploy status"
    )
