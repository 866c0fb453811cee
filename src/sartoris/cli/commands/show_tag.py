"""`git deploy show-tag`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site
from sartoris.cli.options import looking_options, prefix_argument
from sartoris.display import streams
from sartoris.queries.listing import newest


@click.command("show-tag")
@looking_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Print the newest rollout tag, or nothing. (`--show-tag`: that of what is checked out.)"""
    streams.write_answer(newest(open_site(prefix)))
