"""`git deploy ship`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from sartoris.actions.ship import ship
from sartoris.cli.confirming import new_prefix_option, yes_option
from sartoris.cli.context import open_command
from sartoris.cli.options import RUNNING, common_options, leaving_options, prefix_argument
from sartoris.cli.summary import tell_synced
from sartoris.display import streams
from sartoris.rollout.command import Command


@click.command("ship")
@common_options
@yes_option
@new_prefix_option
@leaving_options
@click.option("--abort", "aborts", is_flag=True, help="Abort when the sync fails.")
@prefix_argument
@click.pass_context
def command(
    context: click.Context, prefix: str | None, yes: bool, new_prefix: bool, aborts: bool
) -> None:
    """Start, sync and finish in one command: for CI, and for people who want one.

    Exit code 0 also where there is nothing new: nothing has changed then, and no lock is left. A
    start that fails has changed nothing. A sync that fails ends as `git deploy sync` does, with the
    rollout open; with `--abort` everything is put back first, and the exit code is the sync's.
    """

    @contextmanager
    def typing(name: str) -> Iterator[Command]:
        """Each part is a command of its own in the journal, with its own end."""
        until_the_end = context.meta[RUNNING]
        try:
            with ExitStack() as context.meta[RUNNING]:
                yield open_command(prefix, name=name, yes=yes, new_prefix=new_prefix)
        finally:
            context.meta[RUNNING] = until_the_end

    shipped = ship(typing, aborts=aborts)
    if shipped is None:
        streams.say("Nothing new to ship. No rollout is open.")
    else:
        tell_synced(shipped)
