"""`git deploy finnish`: for fingers that are faster than their owner."""

from __future__ import annotations

import click

from sartoris.cli.options import common_options, prefix_argument
from sartoris.errors import Refused


@click.command("finnish", hidden=True)
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Answer kindly."""
    del prefix
    raise Refused(
        "Hei! Suomeksi en vielä osaa, mutta lopettaa osaan.", next_steps=["git deploy finish"]
    )
