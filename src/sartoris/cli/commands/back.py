"""`git deploy back`."""

from __future__ import annotations

import click

from sartoris.actions.away import bring_back
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but
from sartoris.display import streams


@click.command("back")
@common_options_but("--check-clean/--no-check-clean")
@click.argument("targets", nargs=-1, required=True)
def command(targets: tuple[str, ...]) -> None:
    """Bring TARGETS that were away to what their slots should have, and count them again."""
    for done in bring_back(open_command(), targets):
        what = f"brought {', '.join(done.brought)}" if done.brought else "nothing was behind"
        streams.say(f"{done.slot} at {done.release or 'nothing'}: {what}.")
    count = "counts" if len(targets) == 1 else "count"
    streams.say(f"{', '.join(targets)} {count} again.")
