"""Write to a reader who may have left (`| head`), or who wants the bytes of a file's name."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def write_line(stream: TextIO, line: str) -> None:
    """One line, at once. That nobody reads any more is no reason to stop a rollout half way."""
    try:
        stream.write(line + "\n")
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def write_answer(answer: str) -> None:
    """A single word, such as a tag: to a program as it is, as git-deploy has it."""
    sys.stdout.write(f"{answer}\n" if answer and sys.stdout.isatty() else answer)
    sys.stdout.flush()


def silence(stream: TextIO) -> None:
    """Let all that is written from now on go nowhere, also what Python writes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_closed() -> None:
    """Give a process that was started without some of its three streams streams that lead nowhere.

    Else the next file that is opened would be in their place, and get what git and hooks write.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def pass_bytes_through() -> None:
    """Names of files that are no text leave standard output as the bytes that they are."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
