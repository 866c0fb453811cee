"""From git's configuration files to a `Config`."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

from sartoris.config.config import Config
from sartoris.config.entries import Entry, Levels, git_entries, site_entries
from sartoris.config.keys import CONFIG_FILE, KEYS
from sartoris.config.naming import repository_name
from sartoris.config.problems import ConfigError, Problem
from sartoris.config.reading import Reader
from sartoris.config.refusals import planned_keys, together, unknown_keys, wrong_sections
from sartoris.config.values import BadValue, check_name
from sartoris.errors import GitFailed
from sartoris.formatting import on_one_line, quoted
from sartoris.git.command import Git


def load_config(git: Git, *, git_dir: Path, top: Path) -> Config:
    """The configuration of the repository in `git_dir`, whose work tree starts at `top`.

    Runs one git process, or two where `deploy.config-file` is set. Raises `ConfigError` with every
    problem that was found, `GitFailed` when git cannot read its own files.
    """
    top = Path(os.path.abspath(top))  # noqa: PTH100 - the way the user came, not resolved
    name = repository_name(git_dir, top)
    own = git_entries(git)
    site, problems = _site_file(git, Reader(Levels(own, name), top))
    reader = Reader(Levels([*site, *own], name), top, [*problems, *_unsafe(name, top)])
    values = {key.attribute: reader.value(key) for key in KEYS}
    unknown, misspelt = unknown_keys(reader.levels)
    problems = [
        *reader.problems,
        *misspelt,
        *planned_keys(reader.levels),
        *wrong_sections(reader.levels),
        *together(reader.levels, reader.listed),
    ]
    if problems:
        raise ConfigError(problems)
    known = {field.name for field in fields(Config)}
    read = {attribute: value for attribute, value in values.items() if attribute in known}
    return Config(repo_name=name, unknown=unknown, **read)


def read_levels(git: Git, *, git_dir: Path, top: Path) -> Levels:
    """The entries that `load_config` reads, without a look at their values."""
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
