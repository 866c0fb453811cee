"""The parts of a release: each submodule that was composed into it, and what is its own.

The tree of a composed release does not tell where a submodule was, but the commit does: in a header
of its own for each, which git and older agents pass over.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from sartoris.agent.modes import directories_of

_HEADER = b"submodule "


def headers(places: Iterable[bytes]) -> list[bytes]:
    """The header lines of a commit into which submodules were composed, at these paths."""
    return [_HEADER + place.replace(b"\n", b"\n ") for place in sorted(places)]


def places_in(commit: bytes) -> list[str]:
    """The paths of the submodules that were composed into a commit, given its content.

    Commits that were composed by a Sartoris before these headers say nothing.
    """
    header = commit.partition(b"\n\n")[0].replace(b"\n ", b"\0")
    lines = (line for line in header.split(b"\n") if line.startswith(_HEADER))
    return [os.fsdecode(line[len(_HEADER) :].replace(b"\0", b"\n")) for line in lines]


def by_part(paths: Collection[str], places: Iterable[str]) -> Mapping[str, list[str]]:
    """The paths by the part that each is in, "" for those that are in no submodule.

    A place that is no directory above one of the paths is no part.
    """
    named, part_of = set(places), {"": ""}
    for directory in directories_of(paths):
        is_part = directory in named
        part_of[directory] = directory if is_part else part_of[directory.rpartition("/")[0]]
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(part_of[path.rpartition("/")[0]], []).append(path)
    return found
