"""`git deploy tag`."""

from __future__ import annotations

import click

from sartoris.actions.tag import tag
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams


@click.command("tag")
@common_options_but("--adopt", "--check-clean/--no-check-clean")
@prefix_argument
def command(prefix: str | None) -> None:
    """Tag what is checked out, outside of a rollout (needs deploy.can-make-tags).

    Prints the tag.
    """
    streams.print_line(tag(open_command(prefix)))
