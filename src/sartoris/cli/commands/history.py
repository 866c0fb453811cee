"""`git deploy history`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import click

from sartoris.cli.context import open_site, wants_json
from sartoris.cli.options import count, looking_options
from sartoris.display import streams
from sartoris.display.past import past
from sartoris.display.reporting import kind_of
from sartoris.display.table import table
from sartoris.errors import WrongUsage
from sartoris.formatting import minute, name_of
from sartoris.journal.store import Journal, RolloutRecord
from sartoris.queries.history import RolloutHistory, of_session, of_tag, rollouts
from sartoris.rollout.records import Records


@click.command("history")
@looking_options
@click.option("--session", metavar="ID", help="The rollout with this session, instead of a TAG.")
@click.argument("tag", metavar="[TAG]", required=False)
def command(tag: str | None, session: str | None) -> None:
    """List the rollouts, newest first; or with TAG tell what happened in that one, event by event.

    The newest 20 rollouts, or `--count` of them; 0 for all. Rollouts without a tag, and commands
    that were refused, are found by their `--session`, which `--json` shows.
    """
    if tag is not None and session is not None:
        raise WrongUsage("TAG and --session both name a rollout: type one of them")
    site = open_site()
    with closing(Journal.read_only(Records(site).journal)) as journal:
        if session is not None:
            _tell(of_session(journal, session))
        elif tag is not None:
            _tell(of_tag(journal, tag))
        else:
            _tell_rollouts(rollouts(site, journal, count=count()))


def _tell_rollouts(found: tuple[RolloutRecord, ...]) -> None:
    if wants_json():
        streams.print_document({"rollouts": [one.__dict__ for one in found]})
        return
    if not found:
        streams.say("There are no rollouts yet.")
    heading = ("rollout", "kind", "result", "when", "took", "by")
    for line in table(heading, [_row(one) for one in found]):
        streams.print_line(line)


def _row(one: RolloutRecord) -> tuple[str, ...]:
    took = f"{one.ended - one.started:.0f} s" if one.ended is not None else "-"
    tag, when = one.tag or "(no tag)", minute(one.started)
    return (tag, kind_of(one.action), one.result or "open", when, took, name_of(one.by))


def _tell(history: RolloutHistory) -> None:
    if wants_json():
        streams.print_document(history.to_json())
        return
    for line in _heading(history.rollout):
        streams.print_line(line)
    for line in past(history.events):
        streams.print_line(line, hanging=14)


def _heading(rollout: RolloutRecord | None) -> Iterator[str]:
    if rollout is None:
        return
    yield f"{rollout.tag or 'no tag'}: {rollout.action} of {rollout.prefix} by {rollout.by}"
    yield f"  from {rollout.host}, {minute(rollout.started)}: {rollout.result or 'open'}"
    if rollout.message:
        yield f"  {rollout.message}"
    if rollout.reverted_by:
        yield f"  found bad: {rollout.reverted_by} reverted it"
    yield ""
