"""`git deploy manual-sync`."""

from __future__ import annotations

import click

from sartoris.actions.roll_out import SyncResult
from sartoris.actions.sync import manual_sync
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.cli.summary import tell_synced


@click.command("manual-sync")
@common_options_but("--adopt")
@prefix_argument
def command(prefix: str | None) -> None:
    """Tag what is checked out; you synchronise by hand, then `git deploy finish`."""
    tell_synced(SyncResult(manual_sync(open_command(prefix))))
