"""`git deploy none`: no action, the list of tags, as without any word."""

from __future__ import annotations

import click

from sartoris.cli.options import common_options, prefix_argument
from sartoris.cli.questions import answer


@click.command("none", hidden=True)
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """List the tags of what is checked out."""
    del prefix
    answer()
