"""`git deploy check`."""

from __future__ import annotations

import click

from sartoris.cli.context import deployment
from sartoris.cli.options import common_options, prefix_argument
from sartoris.rollout.checks import ready


@click.command("check")
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Tell whether the working repository is ready for a rollout, without starting one."""
    d = deployment(prefix, question=True)
    ready(d)
    click.echo(f"Ready for a rollout of {d.prefix}.", err=True)
