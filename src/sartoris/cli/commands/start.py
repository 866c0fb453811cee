"""`git deploy start`."""

from __future__ import annotations

import click

from sartoris.actions.start import start
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options, prefix_argument
from sartoris.display import streams

_AFTER = """
Look at it, test it, commit and push what is missing. Then
  git deploy sync    brings it to the fleet,
  git deploy abort   gives up and puts everything back,
  git deploy diff    and  git deploy log  show what has changed."""


@click.command("start")
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Begin a rollout: take the lock, tag where we are, get the newest commit.

    When anything fails nothing has changed, and the lock is free again.
    """
    started = start(open_command(prefix))
    what = "is new" if started.moved else "was checked out before"
    streams.say(f"Started. {started.commit[:12]} {what}.{_AFTER}")
