"""`git deploy hotfix`."""

from __future__ import annotations

import click

from sartoris.actions.start import hotfix
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options, prefix_argument
from sartoris.display import streams


@click.command("hotfix")
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """Begin a rollout without a pull: to put a fix on top of what is checked out.

    Then cherry-pick or commit the fix, `git deploy push-hotfix`, and `git deploy sync`.
    """
    started = hotfix(open_command(prefix))
    streams.say(f"Started. {started.commit[:12]} is still checked out.{_AFTER}")


_AFTER = """
Make and commit the fix, then
  git deploy push-hotfix   merges it with the remote's branch, pushes, and returns to it,
  git deploy sync          brings it to the fleet,
  git deploy abort         gives up and puts everything back."""
