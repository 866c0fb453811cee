"""What git's configuration files say in the section `deploy`, and which of it wins.

What is typed for one command (`git -c`, the environment) wins over all files. Of files the order is
git-deploy's: `[deploy "repository NAME"]` in `deploy.config-file`, the same in git's
own files, `[deploy]` in `deploy.config-file`, `[deploy]` in git's own files. All of git's own files
(system, global, local, work tree) are one level, in which the last value wins. `[deploy "slot
NAME"]` is stronger than all of them, in the same two places, for commands that are about this slot.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sartoris.config.keys import SECTION
from sartoris.formatting import on_one_line, quoted
from sartoris.git.command import Git
from sartoris.shell import command

SLOT_SECTION = "slot "


class Entry(NamedTuple):
    """One line of a configuration file.

    `file` is None for a value from the command line or the environment. `subsection` and `key` are
    as git normalises them: the key in lower case, the subsection as written. `value` is None for a
    key without `=`. `site_file`: the entry is in `deploy.config-file`.
    """

    file: Path | None
    subsection: str | None
    key: str
    value: str | None
    site_file: bool = False

    @property
    def name(self) -> str:
        """The key's full name, as `git config` takes it."""
        middle = "" if self.subsection is None else f"{self.subsection}."
        return f"{SECTION}.{middle}{self.key}"

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        return str(self.file) if self.file else "the command line or the environment"

    def __str__(self) -> str:
        said = self.name if self.value is None else f"{self.name} = {quoted(self.value)}"
        return f"{on_one_line(said)} in {on_one_line(self.place)}"

    def git_config(self, *arguments: str) -> tuple[str, ...]:
        """The command `git config ARGUMENTS` on this entry's file; none if it is in no file."""
        if self.file is None:
            return ()
        return (command("git", "config", "--file", str(self.file), *arguments),)


def git_entries(git: Git) -> list[Entry]:
    """The section's entries in git's own files. Raises `GitFailed` for a file git cannot read."""
    listing = git.run("config", "-z", "--show-origin", "--list")
    return _parse(listing.records, git.directory, site_file=False)


def site_entries(git: Git, file: Path) -> list[Entry]:
    """The section's entries in `file`; `GitFailed` when git cannot read it."""
    listing = git.run("config", "-z", "--show-origin", "--file", str(file), "--list")
    return _parse(listing.records, git.directory, site_file=True)


def _parse(records: Sequence[str], directory: Path, *, site_file: bool) -> list[Entry]:
    entries = []
    for origin, line in zip(records[::2], records[1::2], strict=True):
        name, newline, value = line.partition("\n")
        section, _, rest = name.partition(".")
        if section == SECTION:
            subsection, dot, key = rest.rpartition(".")
            entry = Entry(
                file=_file(origin, directory),
                subsection=subsection if dot else None,
                key=key,
                value=value if newline else None,
                site_file=site_file,
            )
            entries.append(entry)
    return entries


def _file(origin: str, directory: Path) -> Path | None:
    kind, _, path = origin.partition(":")
    return Path(os.path.abspath(directory / path)) if kind == "file" else None  # noqa: PTH100


class Levels(NamedTuple):
    """The entries that count for one repository, by level, the strongest first."""

    entries: Sequence[Entry]
    repository: str
    slot: str = ""

    @property
    def own_subsection(self) -> str:
        return f"repository {self.repository}"

    @property
    def slot_subsection(self) -> str:
        return f"{SLOT_SECTION}{self.slot}"

    def counting(self) -> list[Entry]:
        """The entries that are for every repository, for this one, or for the slot."""
        sections = {None, self.own_subsection, *([self.slot_subsection] if self.slot else ())}
        return [e for e in self.entries if e.subsection in sections]

    def slots(self) -> list[str]:
        """The names of the slots that have a section."""
        found = [e.subsection for e in self.entries if e.subsection]
        names = [one.removeprefix(SLOT_SECTION) for one in found if one.startswith(SLOT_SECTION)]
        return list(dict.fromkeys(names))

    def of_slot(self, name: str) -> Levels:
        return self._replace(slot=name)

    def read_for(self, where: str) -> Levels:
        """What counts for a key that is read `where` the table of keys says."""
        if where == "any":
            return self
        without_slot = self._replace(slot="")
        if where == "repository":
            return without_slot
        return without_slot.only(plain=True, git=where == "git")

    def only(self, *, plain: bool, git: bool) -> Levels:
        """Without the repository's own section (`plain`), and without the site's file (`git`)."""
        left = (
            e for e in self.entries if not (plain and e.subsection) and not (git and e.site_file)
        )
        return self._replace(entries=list(left))

    def winner(self, key: str, *, empty_counts: bool = False) -> Entry | None:
        """The one entry that decides `key`. An empty value is as good as none, as in git-deploy."""
        for found in self._by_level(key):
            if found[-1].value != "" or empty_counts:
                return found[-1]
        return None

    def winners(self, key: str) -> list[Entry]:
        """All entries of the strongest level; an empty value takes back those before it."""
        for found in self._by_level(key):
            empty = [number for number, entry in enumerate(found) if entry.value == ""]
            return found[empty[-1] + 1 :] if empty else found
        return []

    def _by_level(self, key: str) -> Iterable[list[Entry]]:
        of_key = [entry for entry in self.entries if entry.key == key]
        sections = [*([self.slot_subsection] if self.slot else ()), self.own_subsection, None]
        for in_file, site_file, subsection in (
            *((False, False, section) for section in sections),
            *((True, of_site, section) for section in sections for of_site in (True, False)),
        ):
            found = [
                entry
                for entry in of_key
                if (entry.subsection, entry.site_file) == (subsection, site_file)
                and (entry.file is not None) == in_file
            ]
            if found:
                yield found
