"""The transport that the configuration asks for."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from sartoris.config import Config
from sartoris.transports.base import Transport
from sartoris.transports.source import Source
from sartoris.transports.table import TRANSPORTS


def has_targets(config: Config) -> bool:
    """Whether a fleet is configured at all."""
    return TRANSPORTS[config.transport].has_targets(config)


def how_to_configure_targets(config: Config) -> str:
    """The command that gives the fleet its targets."""
    return TRANSPORTS[config.transport].add_targets


def targets_of_others(config: Config) -> tuple[str, list[str]]:
    """The key of the configured transport's targets, and those of other transports that are set."""
    ours = TRANSPORTS[config.transport]
    others = [one for one in TRANSPORTS.values() if one.targets_key != ours.targets_key]
    keys = dict.fromkeys(one.targets_key for one in others if one.has_targets(config))
    return ours.targets_key, list(keys)


def fleet_in_words(config: Config) -> str:
    """`ssh: 3 targets`, for a person."""
    if not has_targets(config):
        return "no targets"
    return f"{config.transport}: {TRANSPORTS[config.transport].fleet_in_words(config)}"


def unread_keys(config: Config) -> list[tuple[str, str]]:
    """The keys that are set and that only another transport reads, each with its name."""
    from sartoris.config.keys import find_key

    found = []
    for name, kind in TRANSPORTS.items():
        for key in kind.reads if name != config.transport else ():
            known = find_key(key)
            assert known
            if getattr(config, known.attribute) != known.default_value():
                found.append((f"deploy.{key}", name))
    return found


def source_of(config: Config, publish: Path) -> Source:
    """How the targets get what is published in the repository at `publish`."""
    return TRANSPORTS[config.transport].source(config, publish)


def configured(
    config: Config, publish: Path, known: Container[str], *, make: bool = True
) -> Transport:
    """The transport, for a command. Releases are published in the repository at `publish`.

    Targets that are not `known` yet are new: where it is the transport that makes them, it does so
    now, unless `make` is False.
    """
    return TRANSPORTS[config.transport].make(config, publish, known, make)


def on_this_machine(config: Config, path: str) -> dict[str, Path]:
    """Where `path` of each target is, of those that are directories of this machine."""
    return TRANSPORTS[config.transport].on_this_machine(config, path)


def questions_only(config: Config, publish: Path) -> Transport:
    """Its fleet, which is asked what is live and given no orders: for a dry run."""
    from sartoris.transports.recording import QuestionsOnly

    return QuestionsOnly(configured(config, publish, (), make=False))
