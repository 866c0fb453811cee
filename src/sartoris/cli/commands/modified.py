"""`git deploy modified`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site
from sartoris.cli.options import looking_options, prefix_argument
from sartoris.display import streams
from sartoris.queries.revision_range import modified
from sartoris.rollout.records import Records


@click.command("modified")
@looking_options
@prefix_argument
def command(prefix: str | None) -> None:
    """List the files that this rollout changes, with a count of each kind of change."""
    site = open_site(prefix)
    records = Records(site)
    if records.state.read() is None:
        return
    changed = modified(site.repository, records)
    for kind, name in changed:
        streams.print_line(f"{kind}\t{name}")
    streams.print_line(_counts([kind for kind, _ in changed]))


_KINDS = {"M": "modified", "A": "added", "D": "deleted", "R": "renamed", "T": "type changed"}


def _counts(kinds: list[str]) -> str:
    if not kinds:
        return "No files have been modified"
    ordered = dict.fromkeys(kind for kind in (*_KINDS, *kinds) if kind in kinds)
    counted = ", ".join(f"{_KINDS.get(k, k)}: {kinds.count(k)}" for k in ordered)
    return f"Total files: {len(kinds)}, {counted}"
