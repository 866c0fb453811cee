"""The releases that were live in a slot, with the numbers by which `revert` knows them.

The journal knows which, and the desired state which of them is live. git-deploy's list of tags
(`sartoris.queries.listing`) also has tags that no fleet ever had.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sartoris.fleet.desired import Desired
from sartoris.git.objects import held_objects, subjects_of
from sartoris.journal.rows import MadeLive
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site

Now = Literal["live", "before", "bad", ""]


@dataclass(frozen=True, kw_only=True)
class PastRelease:
    """A release that was live, or should be.

    number: what `revert N` takes: 0 is what is live now, 1 the one before.
    release: the tag under which targets hold it, `source` its commit.
    at: when it last became live, seconds since the epoch, by the rollout of `by`.
    now: `live` (the fleet should have it), `before` (the newest good one before that), `bad`
    (reverted by the rollout `reverted_by`, and not live again since), or "".
    rollouts: the tags of the rollouts that made it live, oldest first.
    subject: the first line of its commit's message; "" before it is looked up.
    """

    number: int
    release: str
    source: str
    at: float
    by: str
    now: Now
    reverted_by: str = ""
    rollouts: tuple[str, ...] = ()
    subject: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rollouts": list(self.rollouts)}


def past_releases(site: Site, prefix: str) -> list[PastRelease]:
    """Those of the slot of `prefix` that can be had again, the one that was made last first.

    Without a fleet, and where the journal knows none, there are none.
    """
    if not site.in_slot(prefix).has_fleet:
        return []
    records, slot = Records(site), site.slot(prefix).name
    try:
        with closing(Journal.read_only(records.journal)) as journal:
            made = journal.made_live(slot)
    except (JournalUnusable, OSError):
        return []
    found = numbered(made, records.desired.of(slot)) if made else []
    held = held_objects(site.repository.git, {one.source for one in found})
    return [one for one in found if one.source in held]


def numbered(made: Iterable[MadeLive], live: Desired | None) -> list[PastRelease]:
    """The releases of these rollouts, which are in their order, the one that was made last first.

    From what is live numbers go back in time. Those that are newer than that have been left: they
    come after, and last of all those that were found bad.
    """
    releases = _folded(made)
    if live is not None and live.release not in releases:  # of a rollout that has not ended yet
        releases[live.release] = _of_desired(live)
    newest_first = list(releases.values())[::-1]
    place = next((n for n, one in enumerate(newest_first) if _is(one, live)), -1)
    good = [one for one in newest_first[place + 1 :] if one.now != "bad"]
    order = [*newest_first[place : place + 1], *good] if place >= 0 else good
    names = [one.release for one in order]
    left = [one for one in newest_first if one.release not in names]
    names += [one.release for one in sorted(left, key=lambda one: one.now == "bad")]
    first = 0 if place >= 0 else 1
    numbers = {name: number for number, name in enumerate(names, first)}
    before = good[0].release if place >= 0 and good else ""
    return [
        replace(one, number=numbers[one.release], now=_now(one, live, before))
        for one in newest_first
    ]


def with_subjects(site: Site, releases: Sequence[PastRelease]) -> list[PastRelease]:
    """The same, with the first lines of their commits' messages."""
    subjects = subjects_of(site.repository.git, {one.source for one in releases})
    return [replace(one, subject=subjects.get(one.source, "")) for one in releases]


def _folded(made: Iterable[MadeLive]) -> dict[str, PastRelease]:
    """By name, in the order in which they were made."""
    releases: dict[str, PastRelease] = {}
    live = ""
    for one in made:
        if one.is_revert and live in releases and live != one.release:
            releases[live] = replace(releases[live], now="bad", reverted_by=one.rollout)
        known = releases.get(one.release)
        releases[one.release] = PastRelease(
            number=0,
            release=one.release,
            source=one.source,
            at=one.at,
            by=one.by,
            now="",
            rollouts=(*(known.rollouts if known else ()), one.rollout),
        )
        live = one.release
    return releases


def _of_desired(live: Desired) -> PastRelease:
    return PastRelease(
        number=0,
        release=live.release,
        source=live.source,
        at=live.since,
        by="",
        now="",
        rollouts=(live.rollout,),
    )


def _is(one: PastRelease, live: Desired | None) -> bool:
    return live is not None and one.release == live.release


def _now(one: PastRelease, live: Desired | None, before: str) -> Now:
    if _is(one, live):
        return "live"
    return "before" if one.release == before else one.now
