"""`git deploy hotfix`."""

from __future__ import annotations

import click

from sartoris.actions.start import hotfix
from sartoris.cli.confirming import new_prefix_option, yes_option
from sartoris.cli.context import open_command
from sartoris.cli.options import common_options_but, prefix_argument
from sartoris.display import streams


@click.command("hotfix")
@common_options_but("--adopt")
@yes_option
@new_prefix_option
@prefix_argument
def command(prefix: str | None, yes: bool, new_prefix: bool) -> None:
    """Begin a rollout without a pull: to put a fix on top of what is live, and nothing else.

    Where something else is checked out it says what would ship with the fix, and how to have what
    is live; then it asks. Cherry-pick or commit the fix, `git deploy push-hotfix`, and
    `git deploy sync`.
    """
    typed = open_command(prefix, yes=yes, new_prefix=new_prefix)
    started = hotfix(typed)
    after = _AFTER if typed.site.options.uses_remote else _WITHOUT_REMOTE
    streams.say(f"Started. {started.commit[:12]} is still checked out.{after}")


_AFTER = """
Make and commit the fix, then
  git deploy push-hotfix   merges it with the remote's branch, pushes, and returns to it,
  git deploy sync          brings it to the fleet,
  git deploy abort         gives up and puts everything back."""

_WITHOUT_REMOTE = """
Make and commit the fix, then
  git deploy --no-remote sync   brings it to the fleet, whatever is pushed,
  git deploy abort              gives up and puts everything back."""
