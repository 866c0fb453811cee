"""`git deploy revert`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import click

from sartoris.actions.choice import choices, choose
from sartoris.actions.revert import revert
from sartoris.cli.context import open_command
from sartoris.cli.listing import lines
from sartoris.cli.options import (
    common_options,
    count,
    dry_run_option,
    leaving_options,
    list_option,
    say_dry_run,
)
from sartoris.cli.releases import release_lines
from sartoris.cli.summary import tell_synced
from sartoris.display import streams
from sartoris.errors import Refused
from sartoris.queries.past_releases import past_releases, with_subjects
from sartoris.rollout.site import Site


class _Numbers(click.Command):
    """`revert -1` looks like an option: say which number it would be."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption as error:
            if not error.option_name[1:].isdigit():
                raise
            number = error.option_name[1:]
            message = f"{error.option_name}: the numbers of the list have no sign"
            ctx.fail(f"{message}. `git deploy revert {number}` goes {number} back.")


@click.command("revert", cls=_Numbers)
@common_options
@dry_run_option
@leaving_options
@list_option
@click.argument("wanted", metavar="[N|TAG]", required=False)
def command(wanted: str | None, dry_run: bool, as_tags: bool) -> None:
    """Make an earlier release live again on the whole fleet.

    By its tag, or by its number in the list, which is that of `git deploy show`: 1 is the release
    before the one that is live. Without either, shows the list and asks. With `--list` the list is
    git-deploy's, of tags, and so are the numbers.
    """
    typed = open_command(dry_run=dry_run)
    answer = _ask(typed.site, as_tags=as_tags) if wanted is None else wanted
    if answer.lower() == "quit":
        streams.say("Nothing was reverted.")
        return
    reverted = revert(typed, choose(typed, answer, count=count(), as_tags=as_tags))
    if dry_run:
        say_dry_run()
    else:
        tell_synced(reverted)


def _ask(site: Site, *, as_tags: bool) -> str:
    """Show the list and ask until the answer is a number of it, a tag, or `quit`.

    Raises `Refused` at the end of the input: there is nobody to ask.
    """
    past = [] if as_tags else past_releases(site, site.prefix)
    shown = with_subjects(site, past[: count() or None])
    if past:
        numbers = {str(one.number): one.release for one in shown}
        names = [name for one in shown for name in (one.release, *one.rollouts)]
        text = release_lines(shown, time.time())
    else:
        listed = choices(site, count=count())
        numbers = {str(number): one.name for number, one in enumerate(listed, 1)}
        names = [one.name for one in listed]
        text = lines(listed, numbered=True, long=True)
    if not numbers:
        raise Refused(f"{site.prefix} has no rollout to revert to", next_steps=["git deploy start"])
    streams.print_line("The following can be reverted to:")
    for line in text:
        streams.print_line(line)
    before = next((one.release for one in shown if one.now == "before"), "")
    return _answered(numbers, names, before)


def _answered(numbers: Mapping[str, str], names: list[str], before: str) -> str:
    """The name that a person chose: nothing stands for the release before, if there is one."""
    which = ", ".join(sorted(numbers, key=int)[:: max(len(numbers) - 1, 1)]).replace(", ", "-")
    default = "; Enter: the one before" if before else ""
    while True:
        answer = _answer(f"Number ({which}) or tag to revert to, or quit{default}")
        if answer.lower() == "quit" or answer in names:
            return answer
        if not answer and before:
            return before
        # The list may have grown while it was read, and the number is of this one.
        if answer in numbers:
            return numbers[answer]
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
