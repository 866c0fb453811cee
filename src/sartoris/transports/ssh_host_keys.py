"""Host keys of targets that ssh does not know yet, for one answer to all of them.

ssh alone decides whom it trusts. What is found good is written where it looks, as `ssh` itself
would write it after a "yes"; nothing is ever told to trust a key by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.config.targets import Host
from sartoris.shell import command
from sartoris.transports.base import HostKey
from sartoris.transports.ssh_settings import output_of, settings

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way


def new_host_keys(way: Way, hosts: Sequence[Host]) -> tuple[Sequence[HostKey], Mapping[str, str]]:
    """The keys that `hosts` show, and those of which there is none, with what to type."""
    found: list[HostKey] = []
    without: dict[str, str] = {}
    for host in hosts:
        facts = settings(way, host) if way.is_ssh else {}
        known = facts.get("userknownhostsfile", "").split(" ")[0]
        if any(facts.get(name, "none") != "none" for name in ("proxyjump", "proxycommand")):
            by_hand = command(*way.program, host.address)
            without[host.name] = f"it is reached through another host: {by_hand}"
        elif not known or known == "/dev/null":
            without[host.name] = "ssh has no file of known hosts"
        else:
            keys = _keys(host, facts, Path(known).expanduser())
            if keys:
                found += keys
            else:
                without[host.name] = "it showed no key, or its key is another one than ssh knows"
    return found, without


def _keys(host: Host, facts: Mapping[str, str], file: Path) -> list[HostKey]:
    name, port = facts.get("hostname", host.address), facts.get("port", "22")
    said = output_of(["ssh-keyscan", "-T", "5", "-p", port, name])
    alias = facts.get("hostkeyalias", "none")
    shown = []
    for line in said.splitlines():
        names, _, key = line.partition(" ")
        if line.startswith("#") or not key:
            continue
        names = names if alias == "none" else alias
        if _known(names, file):
            return []  # by another key: that is for a person to find out about
        fingerprint = output_of(["ssh-keygen", "-l", "-f", "-"], f"{names} {key}\n").strip()
        shown.append(HostKey(host.name, fingerprint, f"{names} {key}", file))
    return shown


def _known(name: str, file: Path) -> bool:
    return bool(file.exists() and output_of(["ssh-keygen", "-F", name, "-f", str(file)]))


def trust(keys: Sequence[HostKey]) -> None:
    """Append them to their files. Raises OSError."""
    for file, of_file in groupby(keys, key=lambda key: key.file):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file.open("a+", encoding="utf-8") as known:
            known.seek(0)
            text = known.read()
            before = "\n" if text and not text.endswith("\n") else ""
            known.write(before + "".join(f"{key.line}\n" for key in of_file))
