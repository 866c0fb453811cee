"""`git deploy converge`."""

from __future__ import annotations

import click

from sartoris.actions.converge import converge
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options, dry_run_option, say_dry_run
from sartoris.display import streams
from sartoris.formatting import plural


@click.command("converge")
@common_options
@dry_run_option
@click.argument("targets", nargs=-1)
def command(targets: tuple[str, ...], dry_run: bool) -> None:
    """Bring TARGETS (default: all) to what their slot should have."""
    results = converge(open_command(dry_run=dry_run), targets)
    if dry_run:
        say_dry_run()
        return
    for done in results:
        brought = f"brought {', '.join(done.brought)}" if done.brought else "nothing was behind"
        count = plural(len(done.asked), "target")
        release = done.release or "nothing"
        streams.say(f"{done.slot} at {release}: {count}, {brought}.")
