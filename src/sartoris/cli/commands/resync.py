"""`git deploy resync`."""

from __future__ import annotations

import click

from sartoris.actions.sync import resync
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options, prefix_argument
from sartoris.cli.summary import tell_synced


@click.command("resync")
@common_options
@click.option("--all", "everyone", is_flag=True, help="All targets, not only those behind.")
@prefix_argument
def command(prefix: str | None, everyone: bool) -> None:
    """Repeat the sync of the open rollout for the targets that do not have it live yet."""
    tell_synced(resync(open_command(prefix), everyone=everyone))
