"""The tags (and branches) of a repository as git-deploy lists them: by date, newest first.

The journal knows the order of those that were made here, and releases whose tags are gone; of all
others the names tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from os.path import commonprefix
from typing import Literal

from sartoris.git.objects import held_objects
from sartoris.queries.past import Past
from sartoris.rollout.site import Site

_A_FEW = 20  # rollouts, when only the newest matters

# The date in a tag's name, as git-deploy finds it: PREFIX-YYYYMMDD-HHMMSS, PREFIX_YYYYMMDD, ...
_DATE = re.compile(r"\D(20[0-9]{6})[_T-]?([0-9]+)?")
# And with something between its parts: PREFIX-YYYY-MM-DD_HH-MM-SS, PREFIX-YYYY.MM.DDTHHMMSS, ...
_PARTED = re.compile(
    r"\D(20[0-9]{2})([-_.+])(0[1-9]|1[0-2])\2(0[1-9]|[12][0-9]|3[01])"
    r"(?:[-_.+T]?([0-9]{2}(?:[-_.+]?[0-9]{2}){0,2}))?(?![0-9])"
)

Kind = Literal["tag", "branch"]


@dataclass(frozen=True)
class Listed:
    """One name. `current`: its commit is checked out. `same` are the names of the same commit
    that come after it in the whole list: where it was deployed before.
    """

    name: str
    kind: Kind
    commit: str
    current: bool
    same: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to list. `count` 0: everything. `everything` False: only names of what is checked out.

    `older_than`, YYYYMMDD, leaves out tags with an earlier date. `prefix` "." lists all prefixes.
    """

    everything: bool = False
    branches: bool = False
    older_than: str = "20080101"
    count: int = 20
    prefix: str | None = None


def listing(site: Site, selection: Selection) -> list[Listed]:
    """The selected names, newest first, names without a date last."""
    head = site.repository.head()
    entries = [*_tags(site, selection, Past.of(site)), *_branches(site, selection)]
    if not selection.everything:
        entries = [entry for entry in entries if entry[2] == head]
    names: dict[str, list[str]] = {}
    for name, _, commit in entries:
        names.setdefault(commit, []).append(name)
    return [
        Listed(name, kind, commit, commit == head, _after(name, names[commit]))
        for name, kind, commit in entries[: selection.count or None]
    ]


def newest(site: Site) -> str:
    """The newest tag of the prefix; "" if it has none.

    Looks at a day, a month, a year before it looks at all, so that this does not take longer the
    more tags there are. (An hour ahead: tags of one second take the seconds that follow it.)
    """
    today = datetime.now().astimezone()
    past = Past.of(site, newest=_A_FEW)
    known = [name for name in past.made if _is_of(site.prefix, name)]
    last = next((name for name in reversed(known) if site.repository.has_tag(name)), "")
    for start in dict.fromkeys(_starts(site.date_format, today)):
        names = site.repository.tag_names(f"{site.prefix}-{start}*")
        if names:
            return _newest_first(filter(None, {last, *names}), _order(_dates(site), past))[0]
    return next((one.name for one in listing(site, Selection(everything=True, count=1))), "")


def _starts(date_format: str, today: datetime) -> Iterator[str]:
    """How all dates of the last day, month and year begin in tags of this format."""
    ahead = today + timedelta(hours=1)
    end = ahead.replace(hour=23, minute=59, second=59).strftime(date_format)
    month = today.replace(day=1)
    for first in (ahead, today, month, month.replace(month=1)):
        begin = first.replace(hour=0, minute=0, second=0).strftime(date_format)
        yield commonprefix([begin, end]).rstrip("-_.+T")  # noqa: RUF071 - no paths


def _after(name: str, names: list[str]) -> tuple[str, ...]:
    return tuple(names[names.index(name) + 1 :])


def date_of(name: str) -> str:
    """The digits of the date in a tag's name, which sort by time; "" for none."""
    match = _DATE.search(name) or _PARTED.search(name)
    return re.sub(r"\D", "", match[0]) if match else ""


def _dates(site: Site) -> Callable[[str], str]:
    """What tells the date of a tag, in digits that sort by time.

    That is its name; where `deploy.date-fmt` gives dates that cannot be read, the tag itself.
    """
    if _are_read(site.date_format):
        return date_of
    made = site.repository.tag_dates()
    # Tags of one second sort by name: the date in it may be a little ahead of the clock.
    return lambda name: made[name] + name.removesuffix("_reverted") if made.get(name) else ""


def _are_read(date_format: str) -> bool:
    moments = (datetime(2026, 9, 30, 9, 59, 1), datetime(2026, 11, 12, 13, 14, 15))  # noqa: DTZ001
    return all(
        date_of(f"-{moment.strftime(date_format)}") == f"{moment:%Y%m%d%H%M%S}"
        for moment in moments
    )


def _tags(site: Site, selection: Selection, past: Past) -> list[tuple[str, Kind, str]]:
    prefix = selection.prefix or site.prefix
    tags = site.repository.tags()
    tags |= _gone(site, {name: at for name, at in past.shipped.items() if name not in tags})
    date = _dates(site)
    names = (
        name
        for name in tags
        if _is_of(prefix, name) and (date(name) or "9") >= selection.older_than
    )
    return [(name, "tag", tags[name]) for name in _newest_first(names, _order(date, past))]


def _gone(site: Site, shipped: Mapping[str, str]) -> dict[str, str]:
    """Releases whose tags somebody has removed: they can be live, and be reverted to."""
    held = held_objects(site.repository.git, shipped.values())
    return {name: commit for name, commit in shipped.items() if commit in held}


def _is_of(prefix: str, name: str) -> bool:
    """Whether a tag is of the prefix; of any, if that is "."."""
    return prefix == "." or re.match(re.escape(prefix) + r"-[0-9]", name) is not None


def _branches(site: Site, selection: Selection) -> list[tuple[str, Kind, str]]:
    if not selection.branches:
        return []
    return [(name, "branch", commit) for name, commit in site.repository.branches()]


_Order = tuple[str, int]


def _order(date: Callable[[str], str], past: Past) -> Callable[[str], _Order]:
    """What tells the place of a tag: what the journal knows, or its date.

    The mark of a revert comes with its rollout. Where there is no fleet it has a name of its own,
    and the tag of the rollout comes next.
    """

    def place(name: str) -> _Order:
        known = past.made.get(name) or past.made.get(name.removesuffix("_reverted"))
        if known is None and name.endswith("_reverted"):
            later = [one for one in past.reverts if date(one) >= date(name)]
            if later:
                at, number = past.made[min(later, key=date)]
                return (at, number - 1)
        return known or (date(name), -1)

    return place


def _newest_first(names: Iterable[str], order: Callable[[str], _Order]) -> list[str]:
    return sorted(sorted(names), key=order, reverse=True)
