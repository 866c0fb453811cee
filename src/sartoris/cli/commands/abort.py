"""`git deploy abort`."""

from __future__ import annotations

import click

from sartoris.actions.abort import abort
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, dry_run_option, prefix_argument, say_dry_run
from sartoris.display import streams
from sartoris.formatting import hanging


@click.command("abort")
@common_options_but("--adopt", "--check-clean/--no-check-clean")
@dry_run_option
@prefix_argument
def command(prefix: str | None, dry_run: bool) -> None:
    """Give the rollout up: the fleet as before, the working repository as at the start.

    Uncommitted changes and commits of the rollout are kept, and the message says where.
    """
    aborted = abort(open_command(prefix, dry_run=dry_run))
    if dry_run:
        say_dry_run()
        return
    for line in aborted.notes:
        streams.say(hanging(line))
    state = aborted.state
    streams.say(f"Aborted. Back at {state.start_tag or 'the start'}.")
    if state.has_told_targets and state.delivery.is_ours:
        before = state.release_before or "what stood there before the first release"
        streams.say(f"Live again on every target that had switched: {before}.")
