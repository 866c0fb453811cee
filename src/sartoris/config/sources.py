"""Where each value in force comes from, and which values have no effect because another wins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sartoris.config.entries import Entry, Levels
from sartoris.config.key import Key
from sartoris.config.keys import KEYS
from sartoris.config.loading import read_levels
from sartoris.config.values import BOOLEAN
from sartoris.git.command import Git
from sartoris.shell import command

_ADVICE = re.compile(r"git config (--add )?deploy\.([a-z-]+) ")


@dataclass(frozen=True)
class Source:
    """One key: the `entries` that decide it, none for the default, and those that have no effect
    (`shadowed`) although a later or an own setting might be expected to win.
    """

    name: str
    default: str
    entries: tuple[Entry, ...]
    shadowed: tuple[Entry, ...] = ()

    @property
    def value(self) -> str:
        """As it is written in the file; of many values one a line."""
        if not self.entries:
            return self.default
        return "\n".join("true" if one.value is None else one.value for one in self.entries)

    @property
    def place(self) -> str:
        """The file that decides it."""
        if not self.entries:
            return "the default" if self.default else "not set"
        return self.entries[-1].place


def sources(git: Git, *, git_dir: Path, top: Path) -> list[Source]:
    """All keys. Raises what `read_config` does of files that cannot be read."""
    levels = read_levels(git, git_dir=git_dir, top=Path(os.path.abspath(top)))  # noqa: PTH100
    return [_source(levels, key, name) for key in KEYS if not key.planned for name in key.names]


def of_slots(git: Git, *, git_dir: Path, top: Path) -> list[Entry]:
    """What the sections of slots say, which counts for commands about these slots."""
    levels = read_levels(git, git_dir=git_dir, top=Path(os.path.abspath(top)))  # noqa: PTH100
    sections = [levels.of_slot(name).slot_subsection for name in levels.slots()]
    return [one for one in levels.entries if one.subsection in sections]


def _source(levels: Levels, key: Key, name: str) -> Source:
    counting = levels.read_for(key.where)
    if key.many:
        entries = tuple(counting.winners(name))
    else:
        one = counting.winner(name, empty_counts=key.kind is BOOLEAN)
        entries = (one,) if one else ()
    shadowed = tuple(_shadowed(counting.entries, name, entries)) if entries else ()
    return Source(name, key.default or "", entries, shadowed)


def _shadowed(
    everything: Iterable[Entry], name: str, winners: tuple[Entry, ...]
) -> Iterator[Entry]:
    """What git itself would let win. That a clone's own file wins over the user's is no news."""
    own = [one for one in everything if one.key == name]
    last = max(own.index(one) for one in winners)
    values = {one.value for one in winners}
    for number, one in enumerate(own):
        is_from_file = None not in (one.file, winners[-1].file) and one.file != winners[-1].file
        beaten = number > last or (winners[-1].site_file and not one.site_file)
        if is_from_file and beaten and one not in winners and one.value not in values:
            yield one


def with_deciding_files(
    steps: Iterable[str], git: Git, *, git_dir: Path, top: Path
) -> tuple[str, ...]:
    """The steps, with those that would set what another file decides changed to that file."""
    steps = tuple(steps)
    if not any(_ADVICE.match(step) for step in steps):
        return steps
    known = {one.name: one for one in sources(git, git_dir=git_dir, top=top)}
    return tuple(_in_its_file(step, known.get(_named(step))) for step in steps)


def _named(step: str) -> str:
    found = _ADVICE.match(step)
    return found[2] if found else ""


def _in_its_file(step: str, source: Source | None) -> str:
    if source is None or not source.entries:
        return step
    entry = source.entries[-1]
    if entry.file is None or not (entry.site_file or entry.subsection):
        return step
    found = _ADVICE.match(step)
    assert found is not None
    rest, _, why = step[found.end() :].partition("   # ")
    words = ("git", "config", "--file", str(entry.file), *(["--add"] if found[1] else []))
    why = f"{why}; this file decides it" if why else "this file decides it"
    return f"{command(*words, entry.name)} {rest}   # {why}"
