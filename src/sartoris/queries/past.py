"""In which order tags were made: what the journal knows, since names tell only a local time.

Of two deployers in two time zones, of the hour that comes twice in autumn, and of a clock that was
set back, names tell the wrong order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sartoris.journal.store import Journal, JournalUnusable, MadeTag
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Past:
    """`made`: by tag, when it was made, in digits that sort by time, and its place among those that
    the journal knows. `shipped`: the commits of releases, by tag, which may be there no more.
    `reverts` are the tags of reverts.
    """

    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    shipped: Mapping[str, str] = field(default_factory=dict)
    reverts: tuple[str, ...] = ()

    @classmethod
    def of(cls, site: Site, *, newest: int = -1) -> Past:
        """What the journal of the site knows of its newest rollouts, or of all.

        Lists are shown without a journal, too.
        """
        try:
            with closing(Journal.read_only(Records(site).journal)) as journal:
                return cls.from_tags(journal.tags_made(limit=newest))
        except (JournalUnusable, OSError):
            return cls()

    @classmethod
    def from_tags(cls, tags: Iterable[MadeTag]) -> Past:
        tags = list(tags)
        made: dict[str, tuple[str, int]] = {}
        for number, (tag, at) in enumerate(_in_order(tags)):
            made.setdefault(tag.name, (at, 2 * number))  # the odd ones are for marks of reverts
        shipped = {tag.name: tag.commit for tag in tags if tag.kind == "shipped"}
        return cls(made, shipped, tuple(tag.name for tag in tags if tag.reverts))


def _in_order(tags: Iterable[MadeTag]) -> Iterator[tuple[MadeTag, str]]:
    """Each with the time of its rollout, or a later one that went before; no tags that were found.

    So the order is the journal's, whatever the clock said.
    """
    latest = ""
    for tag in tags:
        at = datetime.fromtimestamp(tag.at).astimezone()
        latest = max(latest, f"{at:%Y%m%d%H%M%S}")
        if tag.kind != "start" or _is_of(tag.name, at):
            yield tag, latest


def _is_of(name: str, at: datetime) -> bool:
    """Whether a start tag was made for its rollout: its name has that day, in some time zone."""
    from sartoris.queries.listing import date_of

    date = date_of(name)[:8]
    return not date or f"{at - _DAY:%Y%m%d}" <= date <= f"{at + _DAY:%Y%m%d}"
