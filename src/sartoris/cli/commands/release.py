"""`git deploy release`."""

from __future__ import annotations

import click

from sartoris.actions.sync import release
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options, prefix_argument


@click.command("release")
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Tag what is checked out and finish, without a sync (needs deploy.can-make-tags)."""
    state = release(open_command(prefix))
    click.echo(f"{state.rollout_tag} is released.", err=True)
