"""`git deploy check`."""

from __future__ import annotations

import click

from sartoris.actions.check import check
from sartoris.cli.confirming import new_prefix_option
from sartoris.cli.context import open_command, wants_json
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams


@click.command("check")
@common_options_but("--adopt")
@new_prefix_option
@prefix_argument
def command(prefix: str | None, new_prefix: bool) -> None:
    """Tell whether a rollout could start now, without starting one.

    It makes every test that a start makes, but for the hooks, and asks the remote as a start does.
    """
    found = check(open_command(prefix, name="start", shown=False, new_prefix=new_prefix))
    if wants_json():
        streams.print_document({"ready": True, "prefix": found.prefix, "asks": list(found.asks)})
        return
    streams.say(f"Ready for a rollout of {found.prefix}.")
    for doubt in found.asks:
        streams.say(f"The start will ask first, or need --yes: {doubt}.")
