"""What `deploy.target` can name: a directory of this machine, or what ssh connects to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from sartoris.config.values import (
    BadValue,
    Kind,
    check_target_name,
    no_control_characters,
    parse_local_path,
)

_ADDRESS = (
    r"(?P<user>[A-Za-z0-9_][^@:/\s]*@)?"
    r"(?:\[(?P<host>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|(?P<bare>[A-Za-z0-9_][A-Za-z0-9._-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class Target(NamedTuple):
    """A target of the local transport: its name, and the directory that stands for its `/`."""

    name: str
    root: Path


class Host(NamedTuple):
    """A target of the transport ssh. `address` is `[USER@]HOST`, as ssh takes it; `port` is 0 where
    ssh knows it.
    """

    name: str
    address: str
    port: int = 0


# How each is written.
FORMS: dict[type, str] = {
    Target: "NAME=ROOT, as in web1=/srv/fleet/web1",
    Host: "[NAME=][USER@]HOST[:PORT], as in deploy@web1.example.com",
}


def parse_target(text: str) -> Target | Host:
    """`NAME=ROOT`, or `[NAME=][USER@]HOST[:PORT]`; which of them is right, the transport knows."""
    name, equals, place = text.rpartition("=") if "=/" not in text else text.partition("=")
    if not equals:
        return parse_host(text, "")
    try:
        check_target_name(name)
    except BadValue as error:
        raise BadValue(f'"{name}" {error}') from error
    no_control_characters(place)
    if not place.startswith(("/", "~")) and "/" not in place and place:
        return parse_host(place, name)
    path = parse_local_path(place)
    if not path.is_absolute():
        raise BadValue("has a relative root; the directory must start with /")
    if ".." in path.parts:
        raise BadValue('has ".." in its root; write the path without')
    return Target(name, Path("/", *path.parts[1:]))


def parse_host(text: str, name: str) -> Host:
    """`[USER@]HOST[:PORT]`, which is called `name` if that is not empty."""
    match = re.fullmatch(_ADDRESS, text)
    if not match or text.count("@") > 1:
        raise BadValue(
            f"is no target; write {FORMS[Target]}, or with deploy.transport = ssh {FORMS[Host]}"
        )
    user, host, port = match["user"] or "", match["host"] or match["bare"], match["port"]
    number = int(port or 0)
    if port and not 1 <= number <= 65535:
        raise BadValue(f"has the port {port}; the largest is 65535")
    try:
        check_target_name(name or host)
    except BadValue as error:
        raise BadValue(f"needs a name, as in web1={text}") from error
    return Host(name or host, f"{user}{host}", number)


TARGET = Kind("`NAME=ROOT`, or `[NAME=][USER@]HOST[:PORT]`", parse_target)
