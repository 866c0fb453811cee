"""The list of past releases, for people: one row each, on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from sartoris.display.table import table
from sartoris.formatting import duration, name_of, shown_on_one_line
from sartoris.queries.past_releases import PastRelease

_WIDTH = 79
_PERSON = 13
_SUBJECT = 12  # letters that are left of a subject at least, however long the names are


def release_lines(releases: Sequence[PastRelease], now: float) -> list[str]:
    """`1  slot0-20261129-154020  3 h ago  Some Deployer  before  Target hooks`, with a heading.

    `now` is the time, in seconds since the epoch. Persons and subjects are cut where they must be.
    """
    heading = ("no.", "release", "live since", "by", "", "subject")
    rows = [
        (
            f"{one.number:>3}",
            one.release,
            _since(one.at, now),
            _cut(name_of(one.by), _PERSON),
            one.now,
        )
        for one in releases
    ]
    columns = table(heading[:-1], rows)
    widest = max(map(len, columns), default=0)
    room = max(_WIDTH - widest - 2, _SUBJECT)
    subjects = [heading[-1], *(_cut(one.subject, room) for one in releases)]
    return [
        f"{line.ljust(widest)}  {subject}".rstrip()
        for line, subject in zip(columns, subjects, strict=bool(columns))
    ]


def _since(at: float, now: float) -> str:
    """The larger unit says enough."""
    return " ".join(duration(now - at).split(" ")[:2]) + " ago"


def _cut(text: str, width: int) -> str:
    text = shown_on_one_line(text)
    return text if len(text) <= width else text[: width - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
