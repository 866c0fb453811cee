"""`git deploy log`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site
from sartoris.queries.revision_range import shipped_range
from sartoris.rollout.records import Records


@click.command(
    "log", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """The commits of this rollout, since its start: `git log`, with its own options."""
    site = open_site()
    before, after = shipped_range(Records(site))
    site.repository.git.replace_process("log", f"{before}..{after}", *arguments)
