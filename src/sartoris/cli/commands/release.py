"""`git deploy release`."""

from __future__ import annotations

import click

from sartoris.actions.sync import release
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams


@click.command("release")
@common_options_but("--adopt")
@prefix_argument
def command(prefix: str | None) -> None:
    """Tag what is checked out and finish, without a sync (needs deploy.can-make-tags)."""
    state = release(open_command(prefix))
    streams.say(f"{state.rollout_tag} is released.")
