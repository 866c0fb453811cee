"""Certificates of the user that have expired: neither ssh nor sshd says that it was that."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.config.targets import Host
from sartoris.shell import command
from sartoris.transports.ssh_settings import all_settings, output_of

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way

_UNTIL = re.compile(r"^\s*Valid: (?:from \S+ to|before) (\S+)$", re.MULTILINE)


def expired(way: Way, host: Host) -> Iterator[str]:
    """A command that shows it, for each that ssh would use for the target, or has in its agent."""
    found = list(all_settings(way, host))
    named = [value for name, value in found if name == "certificatefile"]
    beside = [f"{value}-cert.pub" for name, value in found if name == "identityfile"]
    for file in dict.fromkeys(Path(one).expanduser() for one in (*named, *beside)):
        look = ["ssh-keygen", "-L", "-f", str(file)]
        if file.is_file() and (until := _expired(output_of(look))):
            yield f"{command(*look)}   # this certificate has expired: {until}"
    held = [line for line in output_of(["ssh-add", "-L"]).splitlines() if "-cert-v0" in line]
    if until := _expired(output_of(["ssh-keygen", "-L", "-f", "-"], "\n".join(held))):
        yield f"ssh-add -L | ssh-keygen -L -f -   # a certificate in the agent has expired: {until}"


def _expired(said: str) -> str:
    """When the first of these certificates expired, in ssh-keygen's words; "" for none."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S")  # of this machine's zone, as ssh-keygen has it
    return next((until for until in _UNTIL.findall(said) if until <= now), "")
