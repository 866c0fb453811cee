"""`git deploy finish`."""

from __future__ import annotations

import click

from sartoris.actions.finish import finish
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams


@click.command("finish")
@common_options_but("--adopt", "--check-clean/--no-check-clean")
@prefix_argument
def command(prefix: str | None) -> None:
    """End the rollout. A sync that reached the fleet has done it already."""
    state = finish(open_command(prefix))
    streams.say(f"The rollout {state.rollout_tag} is finished.")
