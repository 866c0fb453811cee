"""The transport that the configuration asks for."""

from __future__ import annotations

from collections.abc import Container
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.config import Config
from sartoris.transports.base import Transport
from sartoris.transports.source import Source
from sartoris.transports.table import TRANSPORTS

if TYPE_CHECKING:
    from sartoris.transports.recording import RecordingTransport


def has_targets(config: Config) -> bool:
    """Whether a fleet is configured at all."""
    return TRANSPORTS[config.transport].has_targets(config)


def add_targets(config: Config) -> str:
    """What to type so that there is one."""
    return TRANSPORTS[config.transport].add_targets


def source_of(config: Config, publish: Path) -> Source:
    """How the targets get what is published in the repository at `publish`."""
    return TRANSPORTS[config.transport].source(config, publish)


def configured(config: Config, known: Container[str], *, make: bool = True) -> Transport:
    """The transport, for a command. Targets that are not `known` yet are new: where it is the
    transport that makes them, it does so now, unless `make` is False.
    """
    return TRANSPORTS[config.transport].make(config, known, make)


def rehearsed(config: Config) -> RecordingTransport:
    """Its fleet, to which nothing is sent: for a dry run."""
    from sartoris.transports.recording import RecordingTransport

    with closing(configured(config, (), make=False)) as real:
        return RecordingTransport(real.fleet())
