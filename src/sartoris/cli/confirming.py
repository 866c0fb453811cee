"""A question before something happens that may not be meant: asked on a terminal, or `--yes`."""

from __future__ import annotations

import sys

import click

from sartoris.display import streams
from sartoris.errors import Refused

yes_option = click.option("--yes", "-y", is_flag=True, help="Answer its question with yes.")


class NotConfirmed(Refused):
    """The answer was no, or there was nobody to ask."""


def confirm(question: str, typed: str) -> None:
    """Ask `question` on the terminal, and go on with a yes. `typed` is the command that says yes.

    Raises `NotConfirmed`, also where there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise NotConfirmed(
            f"this wants an answer, and there is no terminal to ask on: {question}",
            next_steps=[typed],
        )
    streams.ask(f"{question} [y/N] ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmed("the answer was no; nothing has changed", next_steps=[typed])
