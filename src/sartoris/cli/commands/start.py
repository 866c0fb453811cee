"""`git deploy start`."""

from __future__ import annotations

import click

from sartoris.actions.start import start
from sartoris.cli.confirming import new_prefix_option, yes_option
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams

_AFTER = """
Look at it, test it, commit and push what is missing. Then
  git deploy sync    brings it to the fleet,
  git deploy abort   gives up and puts everything back,
  git deploy diff    and  git deploy log  show what has changed."""

_WITHOUT_REMOTE = """
Look at it, test it, commit what is missing. Then
  git deploy --no-remote sync   brings it to the fleet, whatever is pushed,
  git deploy abort              gives up and puts everything back,
  git deploy diff               and  git deploy log  show what has changed."""


@click.command("start")
@common_options_but("--adopt")
@yes_option
@new_prefix_option
@prefix_argument
def command(prefix: str | None, yes: bool, new_prefix: bool) -> None:
    """Begin a rollout: take the lock, tag where we are, get the newest commit.

    Tells which branch it is, what is live, and what would come and go. Asks where that may not be
    meant: on another branch than `deploy.branch` (or that of the last release), and where commits
    that are live would go. When anything fails nothing has changed, and the lock is free again.
    """
    typed = open_command(prefix, yes=yes, new_prefix=new_prefix)
    started = start(typed)
    after = _AFTER if typed.site.options.uses_remote else _WITHOUT_REMOTE
    streams.say(f"Started on {started.state.branch}, at {started.commit[:12]}.{after}")
