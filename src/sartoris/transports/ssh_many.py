"""What matters where there are many targets: jump hosts that they share, and what a login costs."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sartoris.config.targets import Host
from sartoris.diagnostics import Finding, ok, warning
from sartoris.formatting import plural
from sartoris.shell import command
from sartoris.transports.ssh_settings import settings
from sartoris.transports.ssh_starts import THROUGH_ONE

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way
    from sartoris.transports.ssh_connection import Login

_MATTERS = 2.0  # seconds for which all processors are busy with logins, in each command
_CHEAP = "curve25519-sha256"


def through_jump_hosts(hops: Mapping[str, str]) -> Iterator[Finding]:
    """`hops` by targets."""
    for hop, count in sorted(Counter(hops.values()).items()):
        if count > THROUGH_ONE:
            text = (
                f"{plural(count, 'target')} are reached through {hop}: {THROUGH_ONE} connections at"
                " once are opened through it, fewer than its sshd turns away unless its MaxStartups"
                " is lower"
            )
            yield ok("jump host", text)


def key_exchange(
    way: Way, hosts: Mapping[str, Host], logins: Mapping[str, Login]
) -> Iterator[Finding]:
    """What the logins have cost this machine, where that is much and ssh can do it for less."""
    cpu, processors = sum(one.cpu for one in logins.values()), os.cpu_count() or 1
    if cpu / processors < _MATTERS:
        return
    preferred = settings(way, hosts[next(iter(logins))]).get("kexalgorithms", "").split(",")[0]
    if not preferred or preferred.startswith("curve25519-"):
        return
    text = (
        f"{plural(len(logins), 'login')} took {cpu:.0f} s of this machine's"
        f" {plural(processors, 'processor')}, as they do in each command; most of it is the key"
        f" exchange, for which ssh prefers {preferred}"
    )
    cheaper = f"{shlex.join(way.program)} -o KexAlgorithms=^{_CHEAP}"
    step = command("git", "config", "deploy.ssh", cheaper)
    yield warning("key exchange", text, f"{step}   # cheaper, and not made for quantum computers")
