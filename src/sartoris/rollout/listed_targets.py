"""Targets that a program names (`deploy.targets-command`), asked once a rollout.

It prints a JSON object a line:

    {"name": "web1", "address": "deploy@10.0.0.1:22", "zone": "rack1", "ready": true}

`address` is the name where it is missing, as ssh takes it; what is not `ready` is no target now;
fields that are not known are for others. While a rollout goes on, the fleet is the one that it was
begun with, as `listed.json` has it: a machine that comes or goes meanwhile is for the next one.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sartoris import documents
from sartoris.config import BadValue, Config
from sartoris.config.targets import Host, parse_host
from sartoris.config.values import check_target_name
from sartoris.config.zones import Zone
from sartoris.errors import Refused
from sartoris.formatting import on_one_line, quoted
from sartoris.git.environment import without_repository
from sartoris.git.limited import run_limited
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.shell import command

LONGEST = 60.0  # seconds that the program may take
_WHAT = "the list of targets of this rollout"


class BadList(Refused):
    """The program did not name targets as it should."""


def with_listed_targets(site: Site) -> Config:
    """The configuration with the targets that the program names beside those of `deploy.target`.

    Raises `BadList`, `NewerVersion`.
    """
    config = site.config
    if not config.targets_command:
        return config
    lines = _lines(site, config.targets_command)
    hosts, zones = _targets(lines, config.targets_command)
    known = {target.name for target in config.target}
    twice = [host.name for host in hosts if host.name in known]
    if twice:
        raise _bad(config.targets_command, f"it names {twice[0]}, as deploy.target does")
    return replace(config, target=(*config.target, *hosts), zone=(*config.zone, *zones))


def _lines(site: Site, program: Sequence[str]) -> list[dict[str, Any]]:
    """What it said when this rollout first asked, or says now."""
    holder = Records(site).lock.holder()
    slot = f"-{site.config.slot}" if site.config.slot else ""
    kept = site.directory / f"listed{slot}.json"
    if holder is not None:
        with suppress(documents.Unreadable):  # what cannot be read is asked for anew
            recorded = documents.read(kept, _WHAT, _Recorded.of)
            if recorded and recorded.session == holder.session:
                return recorded.targets
    lines = list(_parsed(_output(program, site.repository.top), program))
    if holder is not None:
        with suppress(OSError):  # of somebody who may only look
            documents.write(kept, {"session": holder.session, "targets": lines})
    return lines


class _Recorded(NamedTuple):
    """What `session`, a rollout, was told."""

    session: str
    targets: list[dict[str, Any]]

    @classmethod
    def of(cls, document: dict[str, Any]) -> _Recorded:
        session, targets = document.get("session"), document.get("targets")
        is_list = isinstance(targets, list) and all(isinstance(one, dict) for one in targets)
        if not isinstance(session, str) or not isinstance(targets, list) or not is_list:
            raise documents.Malformed("it has no targets")
        return cls(session, targets)


def _output(program: Sequence[str], directory: Path) -> str:
    try:
        done = run_limited(
            program,
            directory=directory,
            environment=without_repository(os.environ),
            seconds=LONGEST,
        )
    except OSError as error:
        why = f"it could not be started: {os.strerror(error.errno or 0)}"
        raise _bad(program, why) from error
    if done.exit_code is None:
        raise _bad(program, f"it took longer than {LONGEST:g} s")
    if done.exit_code != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        last = on_one_line(said[-1]) if said else "it said nothing"
        raise _bad(program, f"it ended with exit code {done.exit_code}: {last}")
    return done.stdout.decode(errors="replace")


def _parsed(output: str, program: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(output.splitlines(), 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise _bad(program, f"line {number} is no JSON object: {quoted(line[:80])}")
        yield said


def _targets(
    lines: Sequence[dict[str, Any]], program: Sequence[str]
) -> tuple[list[Host], list[Zone]]:
    hosts: dict[str, Host] = {}
    zones: dict[str, list[str]] = defaultdict(list)
    for said in lines:
        if said.get("ready", True) is not True:
            continue
        host = _host(said, program)
        if host.name in hosts:
            raise _bad(program, f"it names {host.name} twice")
        hosts[host.name] = host
        if zone := said.get("zone"):
            zones[str(zone)].append(host.name)
    if not hosts:
        raise _bad(program, "it names no target that is ready")
    return list(hosts.values()), [Zone(name, tuple(names)) for name, names in zones.items()]


def _host(said: dict[str, Any], program: Sequence[str]) -> Host:
    name, address = said.get("name", ""), said.get("address", "")
    if not isinstance(name, str) or not isinstance(address, str) or not (name or address):
        raise _bad(program, f"a target has no name: {quoted(json.dumps(said)[:80])}")
    try:
        if name:
            check_target_name(name)
        return parse_host(address or name, name)
    except BadValue as error:
        raise _bad(program, f"a target, {quoted(name or address)}, {error}") from error


def _bad(program: Sequence[str], why: str) -> BadList:
    return BadList(
        f"deploy.targets-command does not name the targets: {why}",
        next_steps=[f"{command(*program)}   # and look", "git deploy config targets-command"],
    )
