"""How a line is laid out for a terminal: wrapped at words, coloured where the eye must go.

Pipes and files get every line whole and plain: one record a line.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, TextIO

Style = Literal["", "bold", "red", "yellow", "green"]


class Line(NamedTuple):
    """A line of an answer, and how a terminal shows it: see `laid_out`."""

    text: str
    style: Style = ""
    hanging: int | None = None


_CODES = {"bold": "1", "red": "31", "yellow": "33", "green": "32"}
_NARROWEST = 40  # columns; below it words are where they happen to be


def laid_out(text: str, stream: TextIO, style: Style = "", *, hanging: int | None = None) -> str:
    """`text`, a line without control characters, as `stream` shows it best; without a newline.

    What does not fit on a terminal goes on below, at column `hanging`, or a little further in than
    the line begins. Commands are left whole: they are copied.
    """
    if not stream.isatty():
        return text
    return _painted("\n".join(_wrapped(text, _columns(stream), hanging)), style)


def _wrapped(text: str, columns: int, hanging: int | None) -> list[str]:
    if len(text) <= columns or columns < _NARROWEST or _is_command(text):
        return [text]
    from textwrap import TextWrapper

    begins = len(text) - len(text.lstrip())
    further = begins + 2 if hanging is None else hanging
    wrapper = TextWrapper(
        columns,
        subsequent_indent=" " * min(further, columns // 2),
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text)


def _is_command(text: str) -> bool:
    """Indented, as what is to be typed is everywhere."""
    words = text.lstrip().removeprefix("Next: ")
    return text.startswith("  ") and words.startswith(("git ", "sudo ", "mkdir ", "mv ", "salt "))


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _painted(text: str, style: Style) -> str:
    """No colour where people do not want it (no-color.org), or the terminal has none."""
    if not style or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
