"""What a person should hear who held a rollout that somebody else has taken over since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from sartoris.errors import SartorisError
from sartoris.formatting import minute
from sartoris.journal.store import Journal
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site


def taken_over(site: Site) -> list[str]:
    """A line for each rollout that was this person's at their last command, and is not any more.

    A journal that cannot be read is told of elsewhere.
    """
    path, who = Records(site).journal, site.repository.identity()
    if who is None or not path.exists():
        return []
    with suppress(SartorisError, OSError), closing(Journal.read_only(path)) as journal:
        return list(_lines(journal, who))
    return []


def _lines(journal: Journal, who: str) -> Iterator[str]:
    for event in journal.taken_over(who):
        yield _line(journal, event)


def _line(journal: Journal, event: dict[str, Any]) -> str:
    record = journal.rollout_of_session(event["session"])
    named = (record.tag or f"of {record.prefix}") if record else ""
    when = minute(event["at"])
    why = f": {event['why']}" if event.get("why") else ""
    result = f"; it is {record.result} now" if record and record.result else ""
    return (
        f"your rollout {named} was taken over by {event['by']} at {when}, with git deploy"
        f" {event['command']}{why}{result}"
    )
