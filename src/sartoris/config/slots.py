"""`[deploy "slot NAME"]`: what is refused of these sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sartoris.config.config import Config
from sartoris.config.entries import Entry, Levels
from sartoris.config.problems import ConfigError, Problem
from sartoris.config.values import BadValue, check_prefix
from sartoris.formatting import quoted


def bad_slots(levels: Levels) -> Iterator[Problem]:
    """A slot's name is a prefix where it has no other, and part of names of files."""
    for name in levels.slots():
        try:
            check_prefix(name)
        except BadValue as error:
            entry = _first(levels, name)
            line = f"{entry}: the slot's name {quoted(name)} {error}"
            yield Problem(line, entry.git_config("--edit"))


def clashing_slots(slots: Mapping[str, Config], levels: Levels) -> Iterator[Problem]:
    """Slots that one could not tell apart: by their prefix, or by their place on the same fleet."""
    prefixes: dict[str, str] = {}
    places: dict[object, str] = {}
    for name, config in slots.items():
        entry = _first(levels, name)
        prefix = config.tag_prefix or name
        if prefix in prefixes:
            line = f"{entry}: the slots {prefixes[prefix]} and {name} have the prefix {prefix} both"
            yield Problem(line, entry.git_config("--edit"))
        prefixes[prefix] = name
        if config.path is None:
            continue
        try:
            place = (config.release_path(prefix), config.fleet_key)
        except ConfigError as error:
            yield from error.problems
            continue
        if place in places:
            line = f"{entry}: the slots {places[place]} and {name} are at {place[0]} both"
            yield Problem(f"{line}, on the same targets", entry.git_config("--edit"))
        places[place] = name


def _first(levels: Levels, name: str) -> Entry:
    section = levels.of_slot(name).slot_subsection
    return next(entry for entry in levels.entries if entry.subsection == section)
