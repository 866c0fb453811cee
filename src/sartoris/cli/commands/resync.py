"""`git deploy resync`."""

from __future__ import annotations

import click

from sartoris.actions.sync import resync
from sartoris.cli.context import open_command
from sartoris.cli.options import (
    common_options,
    dry_run_option,
    leaving_options,
    prefix_argument,
    say_dry_run,
)
from sartoris.cli.summary import tell_synced


@click.command("resync")
@common_options
@click.option("--all", "everyone", is_flag=True, help="All targets, not only those behind.")
@dry_run_option
@leaving_options
@prefix_argument
def command(prefix: str | None, everyone: bool, dry_run: bool) -> None:
    """Repeat the sync of the open rollout for the targets that do not have it live yet."""
    synced = resync(open_command(prefix, dry_run=dry_run), everyone=everyone)
    if dry_run:
        say_dry_run()
    else:
        tell_synced(synced)
