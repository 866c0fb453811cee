"""How the objects of a release reach a target: the other half of a transport.

Either the target fetches them from a url, or the transport brings them along on its own connection.
Which of the two is decided once, from the configuration; see `table.Kind.source`.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sartoris.config import Config, ConfigError
from sartoris.config.problems import Problem
from sartoris.config.zones import beside
from sartoris.git.urls import has_secret, without_secret
from sartoris.shell import command


@dataclass(frozen=True)
class FetchedFrom:
    """Targets fetch with git from `url`; "" while nothing says where that is.

    Where a web server has the packs beside it, they are below `pack_urls`. `relays` are URLs that
    the named targets ask before.
    """

    url: str
    pack_urls: tuple[str, ...] = ()
    relays: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class BroughtFrom:
    """The transport, which `BringsObjects`, brings them from the publish repository here."""

    repository: Path

    @property
    def url(self) -> str:
        """What orders say: there is nothing to fetch from."""
        return ""


Source = FetchedFrom | BroughtFrom


class BringsObjects(ABC):
    """A transport's capability, as those in `base`."""

    @abstractmethod
    def bring(self, pack: Path, targets: Sequence[str]) -> None:
        """Have the objects of a pack file on the targets, for the next order to fetch."""


def by_path(config: Config, publish: Path) -> Source:
    """For targets that reach the deployment server's own files."""
    return FetchedFrom(config.url or str(publish))


def by_connection(config: Config, publish: Path) -> Source:
    """For targets that the transport brings everything; a url is their second way."""
    return FetchedFrom(config.url) if config.url else BroughtFrom(publish)


def by_url(config: Config, publish: Path) -> Source:
    """For targets elsewhere: the configuration has to say what they can reach."""
    del publish
    url = config.url or ""
    packs = config.pack_url or beside(url)
    if packs in ("", "none"):
        return FetchedFrom(url)
    relays = tuple(
        (relay.url, zone.targets)
        for relay in config.relay
        for zone in config.zone
        if zone.name == relay.zone
    )
    return FetchedFrom(url, (packs,), relays)


def require(source: Source, config: Config) -> None:
    """Raises `ConfigError` when targets are not told where to fetch from, or a secret is told."""
    if isinstance(source, FetchedFrom) and has_secret(source.url):
        clean = command("git", "config", "deploy.url", without_secret(source.url))
        step = f"{clean}   # and the secret into ~/.netrc of who fetches, on each target"
        line = (
            "deploy.url has a password in it, or over HTTP a user, who may be a token: everybody"
            " could read it on each target, in files and in the arguments of git, and on the way"
            " there"
        )
        raise ConfigError([Problem(line, (step,))])
    if isinstance(source, FetchedFrom) and not source.url:
        url = f"https://{os.uname().nodename}/{config.repo_name}.git"
        step = command("git", "config", "deploy.url", url)
        line = "deploy.url is not set: how do the targets reach the publish repository?"
        raise ConfigError([Problem(line, (step,))])
