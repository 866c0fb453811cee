"""From git's configuration files to a `Config`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sartoris.config.config import Config
from sartoris.config.entries import Entry, Levels, git_entries, site_entries
from sartoris.config.keys import CONFIG_FILE, KEYS
from sartoris.config.naming import repository_name
from sartoris.config.problems import ConfigError, Problem
from sartoris.config.reading import Reader
from sartoris.config.refusals import planned_keys, together, unknown_keys, wrong_sections
from sartoris.config.slots import bad_slots, clashing_slots
from sartoris.config.values import BadValue, check_name
from sartoris.errors import GitFailed
from sartoris.formatting import on_one_line, quoted
from sartoris.git.command import Git


@dataclass(frozen=True, eq=False)
class Configured:
    """What the files say. `plain` is what counts where no slot is meant, `of_slots` what counts in
    each slot that has a section, by its name.
    """

    plain: Config
    of_slots: Mapping[str, Config]

    def of(self, prefix: str | None) -> Config:
        """What counts for a prefix, for which the name of a slot may stand.

        Without one it is the configured one's, or that of the only slot that there is.
        """
        prefix = prefix or self.plain.tag_prefix
        if prefix is None and len(self.of_slots) == 1:
            return next(iter(self.of_slots.values()))
        for name, config in self.of_slots.items():
            if config.tag_prefix == prefix or name == prefix:
                return config
        return self.plain


def read_config(git: Git, *, git_dir: Path, top: Path) -> Configured:
    """The configuration of the repository in `git_dir`, whose work tree starts at `top`.

    Runs one git process, or two where `deploy.config-file` is set. Raises `ConfigError` with every
    problem that was found, `GitFailed` when git cannot read its own files.
    """
    top = Path(os.path.abspath(top))  # noqa: PTH100 - the way the user came, not resolved
    name = repository_name(git_dir, top)
    own = git_entries(git)
    site, problems = _site_file(git, Reader(Levels(own, name), top))
    levels = Levels([*site, *own], name)
    unknown, misspelt = unknown_keys(levels)
    problems += _unsafe(name, top)
    outputs: dict[str, str] = {}
    readers = {
        slot: Reader(levels.of_slot(slot), top, outputs=outputs) for slot in ("", *levels.slots())
    }
    read = {slot: _values(reader) for slot, reader in readers.items()}
    for reader in readers.values():
        problems += [
            *reader.problems,
            *misspelt,
            *planned_keys(reader.levels),
            *wrong_sections(reader.levels),
            *together(reader.levels, reader.listed),
        ]
    problems += bad_slots(levels)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    names = tuple(levels.slots())
    made = {
        slot: Config(repo_name=name, unknown=unknown, slot=slot, slots=names, **values)
        for slot, values in read.items()
    }
    plain = made.pop("")
    clashes = [*clashing_slots(made, levels)]
    if clashes:
        raise ConfigError(clashes)
    return Configured(plain, made)


def _values(reader: Reader) -> dict[str, Any]:
    known = {field.name for field in fields(Config)}
    values = {key.attribute: reader.value(key) for key in KEYS}
    read = {attribute: value for attribute, value in values.items() if attribute in known}
    slot = reader.levels.slot
    own = [one for one in reader.levels.entries if one.subsection == reader.levels.slot_subsection]
    if slot and not any(entry.key == "tag-prefix" and entry.value for entry in own):
        read["tag_prefix"] = slot  # not the repository's, which is another slot's
    return read


def read_levels(git: Git, *, git_dir: Path, top: Path) -> Levels:
    """The entries that `read_config` reads, without a look at their values."""
    name = repository_name(git_dir, top)
    own = git_entries(git)
    site, _ = _site_file(git, Reader(Levels(own, name), top))
    return Levels([*site, *own], name)


def _unsafe(name: str, top: Path) -> list[Problem]:
    try:
        check_name(name)
    except BadValue as error:
        line = f"the repository's name, {quoted(name)} by its directory {on_one_line(top)}, {error}"
        return [Problem(line, ("rename the directory",))]
    return []


def _site_file(git: Git, reader: Reader) -> tuple[list[Entry], list[Problem]]:
    """The entries of `deploy.config-file`, if it is set, or what is wrong with it."""
    entry = reader.levels.only(plain=True, git=True).winner("config-file")
    file = reader.value(CONFIG_FILE)
    if entry is None or file is None:
        return [], []
    try:
        return site_entries(git, file), []
    except GitFailed as error:
        why = (
            f"git cannot read it: {on_one_line(error.output.rstrip())}"
            if file.is_file()
            else "no such file"
        )
        return [], [Problem(f"{entry}: {why}", entry.git_config("--edit"))]
