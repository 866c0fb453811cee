"""The tags (and branches) of a repository as git-deploy lists them: by date, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sartoris.rollout.deployment import Deployment

# The date in a tag's name, as git-deploy finds it: PREFIX-YYYYMMDD-HHMMSS, PREFIX_YYYYMMDD, ...
_DATE = re.compile(r"\D(20[0-9]{6})[_-]?([0-9]+)?")


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


def listing(d: Deployment, selection: Selection) -> list[Listed]:
    """The selected names, newest date first, names without a date last."""
    head = d.repository.head()
    entries = [*_tags(d, selection), *_branches(d, selection)]
    if not selection.everything:
        entries = [entry for entry in entries if entry[2] == head]
    names: dict[str, list[str]] = {}
    for name, _, commit in entries:
        names.setdefault(commit, []).append(name)
    return [
        Listed(name, kind, commit, commit == head, _after(name, names[commit]))
        for name, kind, commit in entries[: selection.count or None]
    ]


def newest(d: Deployment) -> str:
    """The newest tag of the prefix; "" if it has none.

    Looks at a day, a month, a year before it looks at all, so that this does not take longer the
    more tags there are. (An hour ahead: tags of one second take the seconds that follow it.)
    """
    today = datetime.now().astimezone()
    ahead = today + timedelta(hours=1)
    starts = (f"{ahead:%Y%m%d}", f"{today:%Y%m%d}", f"{today:%Y%m}", f"{today:%Y}")
    for start in dict.fromkeys(starts):
        names = d.repository.tag_names(f"{d.prefix}-{start}*")
        if names:
            return _newest_first(names)[0]
    return next((one.name for one in listing(d, Selection(everything=True, count=1))), "")


def _after(name: str, names: list[str]) -> tuple[str, ...]:
    return tuple(names[names.index(name) + 1 :])


def date_of(name: str) -> str:
    """The digits of the date in a tag's name, which sort by time; "" for none."""
    match = _DATE.search(name)
    return match[1] + (match[2] or "") if match else ""


def _tags(d: Deployment, selection: Selection) -> list[tuple[str, Kind, str]]:
    prefix = selection.prefix or d.prefix
    ours = re.compile(r".*" if prefix == "." else re.escape(prefix) + r"-[0-9]")
    tags = d.repository.tags()
    names = (
        name for name in tags if ours.match(name) and (date_of(name) or "9") >= selection.older_than
    )
    return [(name, "tag", tags[name]) for name in _newest_first(names)]


def _branches(d: Deployment, selection: Selection) -> list[tuple[str, Kind, str]]:
    if not selection.branches:
        return []
    return [(name, "branch", commit) for name, commit in d.repository.branches()]


def _newest_first(names: Iterable[str]) -> list[str]:
    return sorted(sorted(names), key=date_of, reverse=True)
