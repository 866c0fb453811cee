"""`git deploy log`."""

from __future__ import annotations

import click

from sartoris.cli.context import deployment
from sartoris.queries.revision_range import shipped_range


@click.command(
    "log", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """The commits of this rollout, since its start: `git log`, with its own options."""
    d = deployment(question=True)
    before, after = shipped_range(d)
    d.repository.git.replace_process("log", f"{before}..{after}", *arguments)
