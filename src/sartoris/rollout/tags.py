"""Names of tags: PREFIX-YYYYMMDD-HHMMSS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sartoris.rollout.site import Site

DATE_FORMAT = "%Y%m%d-%H%M%S"


def next_tag(site: Site, prefix: str, *, suffix: str = "") -> str:
    """The tag of a rollout of `prefix` that is made now; no tag of that name is there."""
    taken = site.repository.has_tag
    return free_tag(prefix, taken, date_format=site.date_format, suffix=suffix)


def free_tag(
    prefix: str, taken: Callable[[str], bool], *, date_format: str = DATE_FORMAT, suffix: str = ""
) -> str:
    """The tag for now, or for the first second that has none yet.

    Two tags of one second happen when `sync` follows `start` at once. A date a little ahead keeps
    names in the order of their making; waiting for the clock would not.
    """
    moment = datetime.now().astimezone()
    for _ in range(100_000):
        tag = f"{prefix}-{moment.strftime(date_format)}{suffix}"
        if not taken(tag):
            return tag
        moment += timedelta(seconds=1)
    raise AssertionError(f"deploy.date-fmt {date_format!r} does not tell moments apart")
