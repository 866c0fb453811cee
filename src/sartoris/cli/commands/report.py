"""`git deploy report`."""

from __future__ import annotations

import time
from typing import Literal

import click

from sartoris.cli.context import is_verbose, open_command, wants_json
from sartoris.cli.meant import say_what_else
from sartoris.cli.options import looking_options, prefix_argument
from sartoris.display import streams
from sartoris.display.reporting import report_lines
from sartoris.queries.report import report


class _Verifying(click.Command):
    """`--verify` takes a value after `=` only: what follows it may be the prefix."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(
            ctx, ["--verify=release" if one == "--verify" else one for one in args]
        )


@click.command("report", cls=_Verifying)
@looking_options
@click.option(
    "--verify",
    type=click.Choice(["release", "all"]),
    help="Compare every live file with its release, and name those that were added; with"
    " --verify=all also those that git ignores.",
)
@click.option(
    "--all", "everything", is_flag=True, help="List every target of a large fleet, current or not."
)
@click.option("--rollouts", default=5, show_default=True, help="How many past rollouts to list.")
@prefix_argument
def command(
    prefix: str | None,
    verify: Literal["release", "all"] | None,
    everything: bool,
    rollouts: int,
) -> None:
    """Tell what is live where, what should be, and which rollouts led there.

    Of a fleet of more than eight the targets that are current are counted and not listed, unless
    with `--all` or `-v`.
    """
    asked = open_command(prefix, shown=False)
    say_what_else(asked.site, prefix)
    found = report(asked, verify=verify or "", rollouts=rollouts)
    if wants_json():
        streams.print_document(found.to_json())
    else:
        everything = everything or is_verbose()
        streams.print_lines(report_lines(found, time.time(), everything=everything))
