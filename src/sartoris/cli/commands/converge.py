"""`git deploy converge`."""

from __future__ import annotations

import click

from sartoris.actions.converge import converge
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options
from sartoris.wording import plural


@click.command("converge")
@common_options
@click.argument("targets", nargs=-1)
def command(targets: tuple[str, ...]) -> None:
    """Bring TARGETS (default: all) to what their slot should have."""
    for done in converge(open_command(), targets):
        brought = f"brought {', '.join(done.brought)}" if done.brought else "nothing was behind"
        count = plural(len(done.asked), "target")
        release = done.release or "nothing"
        click.echo(f"{done.slot} at {release}: {count}, {brought}.", err=True)
