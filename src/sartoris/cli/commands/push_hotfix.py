"""`git deploy push-hotfix`."""

from __future__ import annotations

import click

from sartoris.actions.push_hotfix import push_hotfix
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams


@click.command("push-hotfix")
@common_options_but("--adopt")
@prefix_argument
def command(prefix: str | None) -> None:
    """Merge the hotfix with the remote's branch, push, and return to the hotfix."""
    pushed = push_hotfix(open_command(prefix))
    streams.say(
        f"Pushed {pushed.merged[:12]}. {pushed.commit[:12]}, the hotfix, is checked out again:"
        " test it, then\n  git deploy sync"
    )
