"""The transports by name: what has to be known of one before it is made.

A new transport is a module in this directory, and a line in this table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container
from pathlib import Path
from typing import NamedTuple

from sartoris.config import Config
from sartoris.config.targets import Host, Target
from sartoris.formatting import plural
from sartoris.transports.base import Transport
from sartoris.transports.source import Source, by_connection, by_path, by_url


def _named_targets(config: Config) -> str:
    """`3 targets`, and where a program names more, its name."""
    named = [plural(len(config.target), "target")] if config.target else []
    program = [f"those of {config.targets_command[0]}"] if config.targets_command else []
    return " and ".join(named + program)


class Kind(NamedTuple):
    """A transport as the configuration knows it.

    make: makes it, for a command; see `configured`.
    has_targets: whether the configuration names any.
    targets_key: the key that names them.
    add_targets: what to type so that there are some.
    source: how objects reach its targets, given the path of the publish repository.
    on_this_machine: where a path of its targets is, of those that are on this machine.
    reads: the keys that only it reads.
    fleet_in_words: what its targets are, for a person.
    """

    make: Callable[[Config, Path, Container[str], bool], Transport]
    has_targets: Callable[[Config], bool]
    targets_key: str
    add_targets: str
    source: Callable[[Config, Path], Source]
    on_this_machine: Callable[[Config, str], dict[str, Path]] = lambda *_: {}
    reads: tuple[str, ...] = ()
    fleet_in_words: Callable[[Config], str] = _named_targets


def _local(config: Config, publish: Path, known: Container[str], make_new: bool) -> Transport:
    from sartoris.releases.packs import Packs
    from sartoris.transports.local import LocalTransport, this_agent_with

    roots = _roots(config)
    new = [name for name in roots if name not in known]
    for name in new if make_new else ():
        with contextlib.suppress(OSError):  # its own outcome says that it cannot be reached
            roots[name].mkdir(parents=True, exist_ok=True)
    agent = this_agent_with(Packs(publish))
    return LocalTransport(roots, forks=config.forks, new=new, agent=agent)


def _roots(config: Config) -> dict[str, Path]:
    return {target.name: target.root for target in config.target if isinstance(target, Target)}


def _ssh(config: Config, publish: Path, known: Container[str], make_new: bool) -> Transport:
    del known, make_new
    from sartoris.releases.packs import Packs
    from sartoris.transports.ssh import SshTransport, Way

    hosts = [target for target in config.target if isinstance(target, Host)]
    way = Way(config.ssh, config.target_user or "")
    return SshTransport(hosts, way, Packs(publish), forks=config.forks)


def _salt(config: Config, publish: Path, known: Container[str], make_new: bool) -> Transport:
    del publish, known, make_new  # minions are Salt's own
    from sartoris.transports.salt import SaltTransport

    return SaltTransport(config.salt_config, config.targets or "")


TRANSPORTS: dict[str, Kind] = {
    "local": Kind(
        _local,
        has_targets=lambda config: bool(config.target),
        targets_key="deploy.target",
        add_targets="git config --add deploy.target NAME=ROOT   # for each target",
        source=by_path,
        on_this_machine=lambda config, path: {
            name: root / path.lstrip("/") for name, root in _roots(config).items()
        },
    ),
    "ssh": Kind(
        _ssh,
        has_targets=lambda config: bool(config.target or config.targets_command),
        targets_key="deploy.target",
        add_targets="git config --add deploy.target HOST   # for each target",
        source=by_connection,
        reads=("ssh", "target-user", "targets-command"),
    ),
    "salt": Kind(
        _salt,
        has_targets=lambda config: bool(config.targets),
        targets_key="deploy.targets",
        add_targets="git config deploy.targets EXPRESSION   # which minions",
        source=by_url,
        reads=("pack-url", "relay", "zone"),
        fleet_in_words=lambda config: config.targets or "",
    ),
}
