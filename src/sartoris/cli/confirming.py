"""A question before something happens that may not be meant: asked on a terminal, or `--yes`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from sartoris.display import streams
from sartoris.rollout.asking import NotConfirmed
from sartoris.shell import command

GIT_DEPLOY = ("git", "deploy")

yes_option = click.option("--yes", "-y", is_flag=True, help="Answer its question with yes.")

new_prefix_option = click.option(
    "--new-prefix", is_flag=True, help="The prefix is new here, and meant."
)


class Asking(NamedTuple):
    """Asks on the terminal. `typed` are the words behind `git deploy`, `yes` the answer to all."""

    typed: Sequence[str]
    yes: bool

    def __call__(self, question: str, *, instead: Sequence[str] = ()) -> None:
        if self.yes:
            return
        steps = [*instead, f"{command('git', 'deploy', *self.typed)} --yes"]
        if not sys.stdin.isatty():
            message = f"this wants a yes, and there is no terminal to ask on: {question}"
            raise NotConfirmed(message, next_steps=steps)
        streams.ask(f"{question} [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise NotConfirmed("the answer was no; nothing has changed", next_steps=steps)
