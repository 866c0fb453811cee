"""What is live, as far as it is known here: what the fleet should have, or was rolled out last."""

from __future__ import annotations

from dataclasses import dataclass

from sartoris.journal.store import Journal
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site

_A_FEW = 5  # rollouts, of which the newest may have been given up


@dataclass(frozen=True, kw_only=True)
class LastRelease:
    """`release` of commit `source`, by the rollout of `tag`, since when (seconds since the epoch)
    and by whom, from which branch of the remote ("" where that is not known).

    `is_ours`: a fleet of ours should have it; otherwise it is what was rolled out last.
    """

    release: str
    source: str
    tag: str
    since: float
    by: str
    branch: str = ""
    is_ours: bool = True


def last_release(site: Site, records: Records, journal: Journal, prefix: str) -> LastRelease | None:
    """None where nothing is live. Raises `JournalUnusable`."""
    if site.in_slot(prefix).has_fleet:
        desired = records.desired.of(site.slot(prefix).name)
        if desired is None:
            return None
        record = journal.rollout_of_tag(desired.rollout)
        return LastRelease(
            release=desired.release,
            source=desired.source,
            tag=desired.rollout,
            since=desired.since,
            by=record.by if record else "",
            branch=desired.branch,
        )
    for one in journal.rollouts(prefix=prefix, limit=_A_FEW):
        if one.result == "finished" and one.source:
            return LastRelease(
                release=one.tag,
                source=one.source,
                tag=one.tag,
                since=one.ended or one.started,
                by=one.by,
                is_ours=False,
            )
    return None
