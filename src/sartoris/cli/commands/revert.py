"""`git deploy revert`."""

from __future__ import annotations

import sys

import click

from sartoris.actions.choice import choices, choose
from sartoris.actions.revert import revert
from sartoris.cli.context import open_command
from sartoris.cli.listing import lines
from sartoris.cli.options import common_options, count, dry_run_option, say_dry_run
from sartoris.cli.summary import tell_synced
from sartoris.display import streams
from sartoris.errors import Refused
from sartoris.rollout.site import Site


@click.command("revert")
@common_options
@dry_run_option
@click.argument("wanted", metavar="[N|TAG]", required=False)
def command(wanted: str | None, dry_run: bool) -> None:
    """Make an earlier release live again on the whole fleet.

    By its tag, or by its number in the list. Without either, shows the list and asks.
    """
    typed = open_command(dry_run=dry_run)
    answer = _ask(typed.site) if wanted is None else wanted
    if answer.lower() == "quit":
        streams.say("Nothing was reverted.")
        return
    reverted = revert(typed, choose(typed, answer, count=count()))
    if dry_run:
        say_dry_run()
    else:
        tell_synced(reverted)


def _ask(site: Site) -> str:
    """Show the list and ask until the answer is a number of it, a tag, or `quit`.

    Raises `Refused` at the end of the input: there is nobody to ask.
    """
    offered = choices(site, count=count())
    if not offered:
        raise Refused(f"{site.prefix} has no rollout to revert to", next_steps=["git deploy start"])
    streams.print_line("The following can be reverted to:")
    for line in lines(offered, numbered=True, long=True):
        streams.print_line(line)
    while True:
        answer = _answer(f"Number (1-{len(offered)}) or tag to revert to, or quit")
        names = [listed.name for listed in offered]
        if answer.lower() == "quit" or answer in names:
            return answer
        # The list may have grown while it was read, and the number is of this one.
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        streams.say(f"{answer!r} is not in the list.")


def _answer(question: str) -> str:
    streams.ask(f"{question}: ")
    line = sys.stdin.readline()
    if not line:
        streams.say()
        raise Refused(
            "the input ended before anything was chosen, so nothing was reverted",
            next_steps=["git deploy show", "git deploy revert TAG"],
        )
    return line.strip()
