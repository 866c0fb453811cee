"""`git deploy sync`."""

from __future__ import annotations

import click

from sartoris.actions.sync import sync
from sartoris.cli.context import open_command
from sartoris.cli.options import (
    common_options,
    dry_run_option,
    leaving_options,
    prefix_argument,
    say_dry_run,
)
from sartoris.cli.summary import tell_synced


@click.command("sync")
@common_options
@dry_run_option
@leaving_options
@prefix_argument
def command(prefix: str | None, dry_run: bool) -> None:
    """Tag what is checked out and bring it to the fleet, in two stages.

    All targets fetch; if too many fail, the sync stops and nothing live has changed. Then all
    switch. Exit code 71: not complete, and the message says what is live where.
    """
    synced = sync(open_command(prefix, dry_run=dry_run))
    if dry_run:
        say_dry_run()
    else:
        tell_synced(synced)
