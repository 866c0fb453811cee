"""The transport that the configuration asks for."""

from __future__ import annotations

from collections.abc import Container

from sartoris.config import Config
from sartoris.transports.base import Transport


def has_targets(config: Config) -> bool:
    """Whether a fleet is configured at all."""
    return bool(config.targets if config.transport == "salt" else config.target)


def how_to_configure_targets(config: Config) -> str:
    """The command that gives the fleet its targets."""
    if config.transport == "salt":
        return "git config deploy.targets EXPRESSION   # which minions"
    return "git config --add deploy.target NAME=ROOT   # for each target"


def configured(config: Config, known: Container[str], *, make: bool = True) -> Transport:
    """Makes the directories of local targets that are not `known` yet: they are new.

    Unless told not to.
    """
    if config.transport == "salt":
        from sartoris.transports.salt import SaltTransport

        return SaltTransport(config.salt_config, config.targets or "")
    from sartoris.transports.local import LocalTransport

    roots = {target.name: target.root for target in config.target}
    new = [name for name in roots if name not in known]
    for name in new if make else ():
        roots[name].mkdir(parents=True, exist_ok=True)
    return LocalTransport(roots, forks=config.forks, new=new)
