"""`git deploy away`."""

from __future__ import annotations

import click

from sartoris.actions.away import take_out
from sartoris.cli.context import open_command, open_site, wants_json
from sartoris.cli.options import common_options_but, dry_run_option, say_dry_run
from sartoris.display import streams
from sartoris.rollout.records import Records


@click.command("away")
@common_options_but("--adopt", "--check-clean/--no-check-clean")
@dry_run_option
@click.argument("target", required=False)
@click.argument("why", nargs=-1)
def command(target: str | None, why: tuple[str, ...], dry_run: bool) -> None:
    """Take TARGET out of rollouts until `git deploy back TARGET`; WHY is shown with it.

    It is not asked, and does not count for deploy.max-failed; every report names it. Without a
    TARGET, lists those that are away.
    """
    if target is None:
        _list()
        return
    taken = take_out(open_command(dry_run=dry_run), target, " ".join(why))
    if dry_run:
        say_dry_run()
        return
    streams.say(f"{target} is {taken.describe()}.")
    streams.say(f"Rollouts leave it alone. When it is up again:\n  git deploy back {target}")


def _list() -> None:
    away = Records(open_site()).away.read()
    if wants_json():
        streams.print_document({name: one.to_json() for name, one in away.items()})
        return
    for name, one in away.items():
        streams.print_line(f"{name}: {one.describe()}")
    if not away:
        streams.say("No target is away.")
