"""The one way to standard output and standard error.

What is shown comes from others: commits, names of files, outputs of hooks and targets, somebody's
lock. So everything is escaped here, whoever wrote it, and nothing else in Sartoris prints. The
reader may have left (`| head`), or want the bytes of a file's name.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from sartoris.display.terminal import Line, Style, laid_out
from sartoris.formatting import shown, shown_on_one_line, without_bytes


def write_line(stream: TextIO, line: str, style: Style = "", *, hanging: int | None = None) -> None:
    """One line, at once. On a terminal it is styled and wrapped, as `laid_out` does it."""
    _write(stream, laid_out(_safe(stream, shown_on_one_line(line)), stream, style, hanging=hanging))


def write_lines(stream: TextIO, text: str, style: Style = "") -> None:
    """A text of one or more lines, at once, each laid out as that of `write_line`."""
    lines = _safe(stream, shown(text)).split("\n")
    _write(stream, "\n".join(laid_out(line, stream, style) for line in lines))


def say(text: str = "", style: Style = "") -> None:
    """Lines for a person, on standard error."""
    write_lines(sys.stderr, without_bytes(text), style)


def say_command(step: str) -> None:
    """What to type next: it stays whole, however long it is."""
    _write(sys.stderr, shown(without_bytes(step)))


def print_line(line: str, style: Style = "", *, hanging: int | None = None) -> None:
    """A line of an answer, on standard output."""
    write_line(sys.stdout, line, style, hanging=hanging)


def print_lines(lines: Iterable[Line]) -> None:
    """Lines of an answer, each in its style."""
    for line in lines:
        print_line(line.text, line.style, hanging=line.hanging)


def print_text(text: str) -> None:
    """One or more lines of an answer."""
    write_lines(sys.stdout, text)


def print_document(document: object, indent: int | None = 1) -> None:
    """An answer in JSON."""
    write_document(sys.stdout, document, indent)


def ask(question: str) -> None:
    """A question for a person, who answers on the same line."""
    _write(sys.stderr, shown_on_one_line(question), end="")


def write_document(stream: TextIO, document: object, indent: int | None = None) -> None:
    """JSON for a program: it gets every character, and a terminal sees none that it obeys."""
    import json

    _write(stream, json.dumps(document, indent=indent).replace("\x7f", "\\u007f"))


def write_answer(answer: str) -> None:
    """A single word, such as a tag: to a program as it is, as git-deploy has it."""
    if answer and sys.stdout.isatty():
        answer = shown_on_one_line(answer) + "\n"
    sys.stdout.write(answer)
    sys.stdout.flush()


def _safe(stream: TextIO, text: str) -> str:
    """A terminal may obey bytes that are no text."""
    return without_bytes(text) if stream.isatty() else text


def _write(stream: TextIO, text: str, end: str = "\n") -> None:
    """That nobody reads any more is no reason to stop a rollout half way."""
    try:
        stream.write(_safe(stream, text + end))
        stream.flush()
    except BrokenPipeError:
        silence(stream)


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
