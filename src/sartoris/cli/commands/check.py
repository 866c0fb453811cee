"""`git deploy check`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site
from sartoris.cli.options import common_options, prefix_argument
from sartoris.display import streams
from sartoris.rollout.checks import require_ready


@click.command("check")
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Tell whether the working repository is ready for a rollout, without starting one."""
    site = open_site(prefix)
    require_ready(site)
    streams.say(f"Ready for a rollout of {site.prefix}.")
