"""`git deploy rollback`."""

from __future__ import annotations

import time

import click

from sartoris.actions.choice import choose, release_before
from sartoris.actions.revert import revert
from sartoris.cli.confirming import yes_option
from sartoris.cli.context import open_command
from sartoris.cli.options import (
    common_options,
    dry_run_option,
    leaving_options,
    prefix_argument,
    say_dry_run,
)
from sartoris.cli.releases import release_lines
from sartoris.cli.summary import tell_synced
from sartoris.display import streams
from sartoris.queries.past_releases import with_subjects


@click.command("rollback")
@common_options
@dry_run_option
@leaving_options
@yes_option
@prefix_argument
def command(prefix: str | None, dry_run: bool, yes: bool) -> None:
    """Make the release before the one that is live, live again: `git deploy revert 1`.

    Shows both and asks once; `--yes` answers.
    """
    typed = open_command(prefix, name="revert", dry_run=dry_run, yes=yes)
    live, before = release_before(typed)
    for line in release_lines(with_subjects(typed.site, [live, before]), time.time()):
        streams.say(line)
    typed.ask(f"Make {before.release} live again?")
    reverted = revert(typed, choose(typed, before.release))
    if dry_run:
        say_dry_run()
    else:
        tell_synced(reverted)
